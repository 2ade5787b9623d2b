"""A model as one ONNX file: from the pixels of windows to the logits of the clusters at their tokens."""

import importlib
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthg.errors import DepthGError
from depthg.inference.network import Network
from depthg.runtime.files import replacing
from depthg.runtime.progress import info

OPSET = 20


class TokenLogits(nn.Module):
    """Backbone, mirror image, head and centroids of a model, without what enlarges tokens to pixels.

    Args:
        network: the model.
    """

    def __init__(self, network: Network):
        super().__init__()
        self.network, self.backbone, self.head = network, network.backbone, network.head

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the clusters float32 [B, clusters, h, w] of windows uint8 [B, S, S, 3]."""
        codes, grid = self.network.encode(images, self.network.config.flip)
        return self.network.probes.logits(codes)["unsupervised"].transpose(1, 2).unflatten(2, grid)


def export_onnx(folder: Path, out: Path) -> None:
    """Write a model's folder as an ONNX file, with classes and window in its metadata.

    Input `images` uint8 [B, S, S, 3], RGB; output `logits` float32 [B, clusters, h, w], at the tokens of any number of
    windows. Enlarged bilinearly, their largest is the cluster of a pixel.

    Args:
        folder: a model's folder.
        out: file to write.

    Raises:
        DepthGError: onnx is not installed, or the folder is not of a model.
    """
    library = _library()
    network = Network(folder, "cpu")
    side = network.config.side
    windows = torch.zeros(2, side, side, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of the exporter about itself
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            TokenLogits(network).eval(),
            (windows,),
            input_names=["images"],
            output_names=["logits"],
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
    clusters, grid = len(network.probes.centroids), network.tokens
    info(f"{out}: images uint8 [B, {side}, {side}, 3] → logits float32 [B, {clusters}, {grid}, {grid}]")


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
