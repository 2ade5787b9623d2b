"""ZoeDepth on a tiny network of random weights."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BeitConfig, ZoeDepthConfig, ZoeDepthForDepthEstimation, ZoeDepthImageProcessor

from depthg.config.sections import Dataset, DepthSource
from depthg.config.settings import CropSettings
from depthg.data.index import index
from depthg.errors import DepthGError
from depthg.stages.crops import make_crops
from depthg.stages.depth.precision import map_error
from depthg.stages.depth.stage import make_depth
from depthg.stages.depth.zoedepth import ZoeDepth, mirrored_mean
from depthg.store.reader import Store

SIDE = 48


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A local model folder: ZoeDepth with four layers of eight channels."""
    torch.manual_seed(0)
    backbone = BeitConfig(
        image_size=32,
        hidden_size=8,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=16,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        use_relative_position_bias=True,
        reshape_hidden_states=False,
    )
    config = ZoeDepthConfig(
        backbone_config=backbone,
        neck_hidden_sizes=[4, 4, 4, 4],
        fusion_hidden_size=4,
        num_relative_features=4,
        bottleneck_features=4,
        bin_embedding_dim=4,
        num_attractors=[2, 2, 2, 1],
        bin_configurations=[{"n_bins": 4, "min_depth": 0.001, "max_depth": 10.0}],
    )
    model = ZoeDepthForDepthEstimation(config)
    with torch.no_grad():  # large weights, so that the depth varies
        for values in model.parameters():
            values.copy_(0.3 * torch.randn_like(values))
    path = tmp_path_factory.mktemp("zoedepth")
    model.save_pretrained(path)
    ZoeDepthImageProcessor(size={"height": 64, "width": 64}, ensure_multiple_of=32).save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def network(folder):
    return ZoeDepth(DepthSource(source="zoedepth", model=str(folder)), Path(), [])


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


def _raw(network: ZoeDepth, image: np.ndarray) -> np.ndarray:
    """One pass without flip, resized and cut by hand: float32 [48, 48]."""
    with torch.inference_mode():
        pixels = network.processor(images=[image], return_tensors="pt")["pixel_values"]
        depth = network.model(pixels).predicted_depth[None]
    pad = int(np.sqrt(SIDE / 2) * 3)  # 14 px of reflection on every side
    padded = torch.nn.functional.interpolate(depth, size=[SIDE + 2 * pad] * 2, mode="bicubic")
    return padded[0, 0, pad:-pad, pad:-pad].numpy()


def test_metres_average_both_ways_of_looking(network, images):
    flipped = _raw(network, images[0, :, ::-1].copy())
    expected = (_raw(network, images[0]) + flipped[:, ::-1]) / 2
    assert np.abs(_raw(network, images[0]) - expected).max() > 1e-3  # the mirror image does matter
    np.testing.assert_allclose(network.raw(images[:1])[0], expected, rtol=1e-4)


def test_a_batch_is_its_images(network, images):
    metres = network.raw(images)
    assert metres.shape == (3, SIDE, SIDE) and metres.dtype == torch.float32
    singles = np.concatenate([network.raw(images[place : place + 1]) for place in range(3)])
    np.testing.assert_allclose(metres, singles, rtol=1e-4)
    assert (metres[0] - metres[1]).abs().max() > 1e-3


def test_a_mirrored_image_has_mirrored_depth(network, images):
    there, back = network.raw(images[:1]), network.raw(images[:1, :, ::-1].copy())
    np.testing.assert_allclose(back.flip(-1), there, rtol=1e-4)


def test_both_images_in_one_batch_are_those_one_by_one(network, images):
    pixels = network.processor(images=list(images), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        together, apart = (mirrored_mean(network.model, pixels, together=choice) for choice in (True, False))
    torch.testing.assert_close(together, apart, rtol=1e-5, atol=1e-6)


@pytest.fixture
def listed(tmp_path, images):
    """Folder of an indexed data set of three images, with validation crops."""
    for place, image in enumerate(images):
        path = tmp_path / "root/images" / ("train" if place == 2 else "val") / f"{place}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    index("mine", Dataset(root=str(tmp_path / "root")), tmp_path)
    images, classes = tmp_path / "val/images.csv", tmp_path / "classes.csv"
    make_crops(images, classes, "val", tmp_path / "crops.zarr", CropSettings(eval_size=SIDE))
    return tmp_path


def _make(listed: Path, model: Path) -> np.ndarray:
    source = DepthSource(source="zoedepth", model=str(model))
    out = listed / "depth.zarr"
    make_depth(listed / "crops.zarr", listed / "val/images.csv", listed / "root", "val", out, source)
    return Store(out).read("depth").astype(np.float64)


def test_the_store_holds_averages_with_far_as_one(listed, folder, network, images):
    depth = _make(listed, folder)
    for stored, metres in zip(depth, network.raw(images[:2]).double().numpy(), strict=True):
        scaled = (metres - metres.min()) / (metres.max() - metres.min())
        np.testing.assert_allclose(stored, scaled.reshape(12, 4, 12, 4).mean(axis=(1, 3)), atol=1e-3)


def test_a_constant_answer_is_an_error(listed, folder, monkeypatch):
    monkeypatch.setattr(ZoeDepth, "raw", lambda self, images: torch.full((len(images), 4, 4), 2.0))
    with pytest.raises(DepthGError, match=r"val/0\.png: ZoeDepth finds the same depth everywhere"):
        _make(listed, folder)


def test_other_weights_are_noticed(folder, network, tmp_path):
    model = ZoeDepthForDepthEstimation.from_pretrained(folder)
    with torch.no_grad():
        next(model.parameters()).add_(1)
    model.save_pretrained(tmp_path)
    ZoeDepthImageProcessor.from_pretrained(folder).save_pretrained(tmp_path)
    assert (
        ZoeDepth(DepthSource(source="zoedepth", model=str(folder)), Path(), []).identity == network.identity
    )
    assert (
        ZoeDepth(DepthSource(source="zoedepth", model=str(tmp_path)), Path(), []).identity != network.identity
    )


def _copy(folder: Path, to: Path, without: str) -> None:
    for file in folder.iterdir():
        if file.name != without:
            (to / file.name).write_bytes(file.read_bytes())


@pytest.mark.parametrize("lacking", ["config.json", "preprocessor_config.json", "model.safetensors"])
def test_a_model_that_is_not_there_is_named(folder, tmp_path, lacking):
    _copy(folder, tmp_path, without=lacking)
    with pytest.raises(
        DepthGError, match=rf"ZoeDepth '{tmp_path}' cannot be loaded .*: where there .*HF_HUB_OFFLINE"
    ):
        ZoeDepth(DepthSource(source="zoedepth", model=str(tmp_path)), Path(), [])


def test_weights_that_lack_some_are_refused(folder, tmp_path):
    _copy(folder, tmp_path, without="")
    weights = load_file(tmp_path / "model.safetensors")
    save_file(
        {name: weights[name] for name in sorted(weights)[2:]},
        tmp_path / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(DepthGError, match=r"\(2 weights are not in its files\)"):
        ZoeDepth(DepthSource(source="zoedepth", model=str(tmp_path)), Path(), [])


def test_broken_weights_are_named(folder, tmp_path):
    _copy(folder, tmp_path, without="")
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(DepthGError, match=rf"ZoeDepth '{tmp_path}' cannot be loaded"):
        ZoeDepth(DepthSource(source="zoedepth", model=str(tmp_path)), Path(), [])


def test_what_was_fetched_is_used_and_the_hub_not_asked(folder, network, tmp_path, monkeypatch):
    (tmp_path / "resources/weights/Intel").mkdir(parents=True)
    (tmp_path / "resources/weights/Intel/zoedepth-nyu").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    assert ZoeDepth(DepthSource(source="zoedepth"), Path(), []).identity == network.identity


@pytest.mark.parametrize(("cached", "asked"), [(True, [True]), (False, [True, False])])
def test_the_hub_is_asked_only_for_what_is_not_here(monkeypatch, cached, asked):
    attempts = []

    def read(self, name, local_files_only):
        attempts.append(local_files_only)
        if not cached:
            raise OSError("no such file. Consult the manual.\nAnd more.")
        return None, torch.nn.Linear(1, 1)

    monkeypatch.setattr(ZoeDepth, "_read", read)
    source = DepthSource(source="zoedepth")
    if cached:
        ZoeDepth(source, Path(), [])
    else:
        with pytest.raises(
            DepthGError, match=r"'Intel/zoedepth-nyu' cannot be loaded \(no such file\): where there"
        ):
            ZoeDepth(source, Path(), [])
    assert attempts == asked


def test_weights_in_float16_draw_a_like_map(network, half_error):
    assert 0 < half_error(network) < 0.05


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_card_draws_the_maps_of_the_cpu(folder, images, monkeypatch):
    card = ZoeDepth(DepthSource(source="zoedepth", model=str(folder)), Path(), [])
    monkeypatch.setattr("depthg.stages.depth.network.device", lambda: torch.device("cpu"))
    exact = ZoeDepth(DepthSource(source="zoedepth", model=str(folder)), Path(), []).raw(images).numpy()
    for precision in ("float32", "float16"):
        card.adapt(SimpleNamespace(images=images, records=[]), precision)
        assert card.precision == precision and card.batch > card.unit
        assert map_error(card._predicted(images).cpu().numpy(), exact) < 0.05
