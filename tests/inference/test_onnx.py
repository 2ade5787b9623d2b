"""onnxruntime gives what the network gives, on any number of windows, and the label maps of the Segmenter."""

import json

import numpy as np
import pytest
import torch

from depthg.cli import main
from depthg.inference.network import Network
from depthg.inference.onnx import Pixels
from depthg.inference.segmenter import Segmenter
from depthg.models import precision

onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    "enlarged", [*(pytest.param(name, marks=pytest.mark.slow) for name in ("logits", "codes")), "guided"]
)
def test_onnxruntime_agrees(made, picture, tmp_path, monkeypatch, enlarged):
    """In float32, also on a machine where the Segmenter runs in bfloat16."""
    monkeypatch.setattr(precision, "has_matrix_units", lambda: True)
    made.spec = made.spec.model_copy(update={"precision": "auto"})
    folder, out = made.model(flip=True, enlarged=enlarged), tmp_path / "model.onnx"
    assert main(["onnx", str(folder), "--out", str(out)]) == 0
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    network, segment = Pixels(Network(folder, "cpu", "float32")).eval(), Segmenter(folder, "cpu")
    for count in (1, 3):
        windows = np.stack([picture(48, 48, seed) for seed in range(count)])
        logits, labels = session.run(None, {"images": windows})
        with torch.inference_mode():
            expected = network(torch.from_numpy(windows))[0].numpy()
        assert logits.shape == (count, 4, 48, 48)
        np.testing.assert_allclose(logits, expected, atol=1e-3)
        whole = np.stack([segment(window).labels for window in windows])
        assert (labels == whole).mean() > 0.99 and len(np.unique(whole)) == 2
    about = session.get_modelmeta().custom_metadata_map
    assert [one["name"] for one in json.loads(about["classes"])] == ["road", "sky"]
    assert json.loads(about["class_of"]) == [0, 1, 1, 0] and about["side"] == "48"
