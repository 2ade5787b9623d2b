"""onnxruntime gives what the network gives, on any number of windows."""

import json

import numpy as np
import pytest
import torch

from depthg.cli import main
from depthg.inference.network import Network
from depthg.inference.onnx import TokenLogits

onnxruntime = pytest.importorskip("onnxruntime")


def test_onnxruntime_agrees(made, picture, tmp_path):
    folder, out = made.model(flip=True), tmp_path / "model.onnx"
    assert main(["onnx", str(folder), "--out", str(out)]) == 0
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    network = TokenLogits(Network(folder, "cpu")).eval()
    for count in (1, 3):
        windows = np.stack([picture(48, 48, seed) for seed in range(count)])
        (found,) = session.run(None, {"images": windows})
        with torch.inference_mode():
            expected = network(torch.from_numpy(windows)).numpy()
        assert found.shape == expected.shape == (count, 4, 6, 6)
        np.testing.assert_allclose(found, expected, atol=1e-3)
    about = session.get_modelmeta().custom_metadata_map
    assert [one["name"] for one in json.loads(about["classes"])] == ["road", "sky"]
    assert json.loads(about["class_of"]) == [0, 1, 1, 0] and about["side"] == "48"
