"""A model as ONNX in onnxruntime, beside the same networks in torch."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.measure import Row, alternate
from depthg.demo import render
from depthg.inference.hub import DEMO
from depthg.inference.network import Network
from depthg.inference.onnx import Pixels, export_onnx

WINDOWS = 4
AGREE = 1e-3  # largest difference of logits


def measured(root: Path) -> list[Row]:
    """One row: the demo's model on windows of rendered pictures, both with as many threads as there are cores.

    Raises:
        AssertionError: the two do not agree.
    """
    import onnxruntime

    export_onnx(DEMO, root / "model.onnx")
    session = onnxruntime.InferenceSession(str(root / "model.onnx"), providers=["CPUExecutionProvider"])
    network = Network(DEMO, "cpu")
    model, side = Pixels(network).eval(), network.config.side
    windows = np.stack([render(seed, side, side).image for seed in range(WINDOWS)])

    def in_torch() -> np.ndarray:
        with torch.inference_mode():
            return model(torch.from_numpy(windows))[0].numpy()

    def in_onnxruntime() -> np.ndarray:
        return np.asarray(session.run(None, {"images": windows})[0])

    apart = float(np.abs(in_torch() - in_onnxruntime()).max())
    assert apart < AGREE, f"logits differ by {apart}"
    costs = alternate({"ours": in_onnxruntime, "reference": in_torch})
    size = f"{WINDOWS} windows of {side} px and their mirror images, the demo's model"
    note = f"label maps from pixels; logits differ by {apart:.0e} at most"
    return [Row("ONNX", size, costs["ours"], costs["reference"], "torch", WINDOWS, "windows", note=note)]
