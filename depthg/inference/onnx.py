"""A model as one ONNX file: from the pixels of windows to their label maps."""

import importlib
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthg.errors import DepthGError
from depthg.evaluation.predict import ENLARGED
from depthg.inference.network import Network
from depthg.runtime.files import replacing
from depthg.runtime.progress import info

OPSET = 20


class Pixels(nn.Module):
    """All of a model for single windows: what the Segmenter does with an image of the window's size.

    Args:
        network: the model.
    """

    def __init__(self, network: Network):
        super().__init__()
        self.network, self.backbone, self.head = network, network.backbone, network.head
        self.class_of = nn.Buffer(torch.tensor(network.config.class_of))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits of the clusters float32 [B, clusters, S, S] and class ids int64 [B, S, S].

        `images` are windows uint8 [B, S, S, 3].
        """
        config, probes = self.network.config, self.network.probes
        enlarger = ENLARGED[config.enlarged]
        codes, grid = self.network.encode(images, config.flip)
        values = enlarger.values(probes, codes, grid, images).mT.unflatten(-1, grid)
        size = (config.side, config.side)
        large = functional.interpolate(values, size=size, mode="bilinear", align_corners=False)
        logits = enlarger.logits(probes, large)["unsupervised"]
        return logits, self.class_of[logits.argmax(1)]


def export_onnx(folder: Path, out: Path) -> None:
    """Write a model's folder as an ONNX file, with classes and window in its metadata.

    Input `images` uint8 [B, S, S, 3], RGB, of any number of windows; outputs `logits` float32 [B, clusters, S, S] and
    `labels`, class ids int64 [B, S, S]. A CRF and the joining of windows are not part of it. It computes in float32.

    Args:
        folder: a model's folder.
        out: file to write.

    Raises:
        DepthGError: onnx is not installed, or the folder is not of a model.
    """
    library = _library()
    network = Network(folder, "cpu", "float32")  # which every runtime has
    side = network.config.side
    windows = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            Pixels(network).eval(),
            (windows,),
            input_names=["images"],
            output_names=["logits", "labels"],
            dynamic_shapes=({0: torch.export.Dim("windows")},),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None  # it is None only if it was written to a file
    model = program.model_proto
    library.helper.set_model_props(model, _metadata(network))
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as draft:
        library.save(model, str(draft))
    library.checker.check_model(str(out))
    clusters = len(network.probes.centroids)
    info(
        f"{out}: images uint8 [B, {side}, {side}, 3] → labels int64 [B, {side}, {side}], "
        f"logits float32 [B, {clusters}, {side}, {side}]"
    )


def _metadata(network: Network) -> dict[str, str]:
    """What an application needs besides: names and colours of the classes, and the class of each cluster."""
    config = network.config
    classes = [one.model_dump() for one in config.classes]
    return {"classes": json.dumps(classes), "class_of": json.dumps(config.class_of), "side": str(config.side)}


def _library() -> Any:
    try:
        importlib.import_module("onnxscript")
        return importlib.import_module("onnx")
    except ImportError:
        raise DepthGError("ONNX needs onnx and onnxscript: pip install 'depthg[onnx]'") from None
