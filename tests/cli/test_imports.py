"""Which slow libraries a stage imports: a job should not wait seconds for one that it does not use."""

import json
import subprocess
import sys

HEAVY = (
    "faiss",
    "matplotlib",
    "scipy",
    "sklearn",
    "timm",
    "torch._dynamo",
    "torchvision",
    "transformers",
    "zarr",
)
WITHOUT_TORCH = {
    "data.demo": "",
    "data.index": "",
    "evaluation.collect": "",
    "stages.crops": "",
    "stages.depth.stage": "",
    "stages.schedule": "",
    "stages.neighbors": "faiss",
    "report.figures.predictions": "matplotlib",
    "report.status.text": "",
    "report.terminal.handler": "",
    "report.plan.counts": "",  # and the two below: read for every plan of Snakemake
    "report.tables.contents": "",
    "report.tables.results": "",
}
WITH_TORCH = {
    "models.backbones": "",
    "stages.features": "",
    "stages.components": "",
    "stages.geometry": "scipy",
    "training.loop": "",
    "evaluation.probes": "",
    "evaluation.evaluate": "",
}
# Each module is imported in a fork of its own, and torch once for all those that need it.
CODE = """
import importlib, json, os, sys

def loaded(module):
    reader, writer = os.pipe()
    if not os.fork():
        importlib.import_module(f"depthg.{module}")
        os.write(writer, json.dumps([name for name in [*heavy, "torch"] if name in sys.modules]).encode())
        os._exit(0)
    os.close(writer)
    return os.fdopen(reader).read()

heavy, without, needed = json.loads(sys.argv[1])
found = {module: loaded(module) for module in without}
import torch
found |= {module: loaded(module) for module in needed}

from depthg.models.adam import AdamW, Group
weight = torch.ones(1, requires_grad=True)
weight.sum().backward()
AdamW(Group([weight], 0.1)).step()
found["a step of Adam"] = json.dumps([name for name in [*heavy, "torch"] if name in sys.modules])
print(json.dumps(found))
"""


def test_stages_import_what_they_use():
    words = json.dumps([HEAVY, list(WITHOUT_TORCH), list(WITH_TORCH)])
    done = subprocess.run([sys.executable, "-c", CODE, words], capture_output=True, text=True, check=True)
    found = {module: json.loads(names) for module, names in json.loads(done.stdout).items()}
    expected = {module: names.split() for module, names in WITHOUT_TORCH.items()}
    with_torch = WITH_TORCH | {"a step of Adam": ""}
    assert found == expected | {module: [*names.split(), "torch"] for module, names in with_torch.items()}
