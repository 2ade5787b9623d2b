"""MiDaS on tiny networks of random weights, in the files that Intel published."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BitConfig, DPTConfig, DPTForDepthEstimation

from depthg.config.sections import DepthSource
from depthg.errors import DepthGError
from depthg.stages.depth.midas import Midas

SMALL = {
    "hidden_size": 8,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 16,
    "image_size": 64,
    "neck_hidden_sizes": [4, 4, 4, 4],
    "fusion_hidden_size": 4,
    "backbone_out_indices": [0, 1, 2, 3],
}
BIT = BitConfig(
    embedding_size=8,
    num_groups=4,
    hidden_sizes=[32, 32, 32],
    depths=[1, 1, 1],
    layer_type="bottleneck",
    global_padding="same",
    embedding_dynamic_padding=True,
    out_features=["stage1", "stage2", "stage3"],
)
HYBRID = {
    "is_hybrid": True,
    "backbone_config": BIT,
    "backbone_featmap_shape": [1, 32, 4, 4],
    "neck_hidden_sizes": [32, 32, 4, 4],
    "readout_type": "project",
}
PROCESSOR = {  # as in the hub's repository, which is older than today's names
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "DPTFeatureExtractor",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "resample": 2,
    "size": 64,
}


@pytest.fixture(scope="module", params=["large", "hybrid"])
def folder(request, tmp_path_factory):
    """A local model folder: DPT with four layers of eight channels, on patches or on a small BiT."""
    torch.manual_seed(0)
    model = DPTForDepthEstimation(DPTConfig(**SMALL | (HYBRID if request.param == "hybrid" else {})))
    with torch.no_grad():  # large weights, so that the depth varies
        for values in model.parameters():
            values.copy_(0.3 * torch.randn_like(values))
        model.head.head[-2].bias.fill_(1e4)  # the last ReLU must not cut
    path = tmp_path_factory.mktemp("midas")
    model.save_pretrained(path)
    (path / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    return path


def _open(folder: Path, **settings: str) -> Midas:
    return Midas(DepthSource(source="midas", model=str(folder), **settings), Path(), [])


def _inverse(folder: Path, images: np.ndarray) -> np.ndarray:
    """The network's own answer, by hand: float64 [B, 64, 64]."""
    model = DPTForDepthEstimation.from_pretrained(folder)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        answer = model(pixels).predicted_depth[:, None]
        return (
            torch.nn.functional.interpolate(answer, size=images.shape[1:3], mode="bicubic")[:, 0]
            .double()
            .numpy()
        )


def test_inverse_depth_is_the_networks_answer(folder, photographs):
    np.testing.assert_allclose(_open(folder).raw(photographs), _inverse(folder, photographs), rtol=1e-5)


def test_near_is_0_and_far_is_1(folder, photographs, depth_of, far):
    depth = depth_of(DepthSource(source="midas", model=str(folder)))
    np.testing.assert_allclose(depth, far(_inverse(folder, photographs)), atol=2e-3)


def test_files_lack_a_layer_that_is_never_used(folder, photographs, tmp_path):
    """dpt-large has no first residual layer; transformers invents one, another at each start."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    kept = {key: weights[key] for key in weights if "fusion_stage.layers.0.residual_layer1" not in key}
    assert len(kept) == len(weights) - 4
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    first, second = _open(tmp_path), _open(tmp_path)
    assert first.identity == second.identity
    np.testing.assert_array_equal(first.raw(photographs), _open(folder).raw(photographs))


def test_a_checkpoint_without_its_head_is_refused(folder, tmp_path):
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    save_file(
        {key: weights[key] for key in weights if not key.startswith("head.head.0")},
        tmp_path / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(DepthGError, match=r"MiDaS .* cannot be loaded \(2 weights are not in its files\)"):
        _open(tmp_path)


def test_images_that_the_network_cannot_take(folder, photographs):
    """The hybrid's position embedding is of one size; a processor that keeps the aspect may miss it."""
    network = _open(folder)
    if not network.model.config.is_hybrid:
        assert network.raw(photographs[:, :40]).shape == (2, 40, 64)
        return
    network.processor.keep_aspect_ratio, network.processor.ensure_multiple_of = True, 32
    with pytest.raises(DepthGError, match=r"MiDaS: images of 64 × 20 px: .*: set predict_on: crop"):
        network.raw(photographs[:, :20])


def test_weights_in_float16_draw_a_like_map(folder, half_error):
    network = _open(folder)
    assert (
        0.05 < half_error(network) <= 1
    )  # 10,000, about which this network's answers lie, is 8 from the next float16
    network.model.head.head[-2].bias.fill_(100)
    assert 0 < half_error(network) < 0.05
