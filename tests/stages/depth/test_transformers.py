"""Depth networks of transformers, on miniatures: what the library itself predicts, with far = 1."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn.functional import interpolate
from transformers import (
    MODEL_FOR_DEPTH_ESTIMATION_MAPPING,
    DPTForDepthEstimation,
    ZoeDepthForDepthEstimation,
    ZoeDepthImageProcessor,
)

from depthg.config.sections import DepthSource
from depthg.errors import DepthGError
from depthg.stages.depth.precision import map_error
from depthg.stages.depth.transformers import Transformers, answered, meaning

from .miniatures import FAMILIES, predicted

SIDE = 48
EVERY = pytest.mark.parametrize("name", FAMILIES)


def settings(name: str, folder: Path, **changes: object) -> DepthSource:
    return DepthSource(
        **{"source": "transformers", "model": str(folder), "larger": FAMILIES[name].larger} | changes
    )


@pytest.fixture
def opened(miniature):
    def opened(name: str, **changes: object) -> Transformers:
        return Transformers(settings(name, miniature(name), **changes), Path(), [])

    return opened


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)


@EVERY
def test_predictions_are_those_of_the_library(miniature, opened, photographs, name):
    found, expected = opened(name).raw(photographs), predicted(name, miniature(name), photographs)
    assert found.shape == (2, 64, 64) and found.dtype == torch.float32
    assert np.abs(expected[0] - expected[1]).max() > 0.01  # the photographs differ
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@EVERY
def test_the_store_holds_them_with_far_as_one(miniature, photographs, depth_of, far, name):
    folder = miniature(name)
    values = predicted(name, folder, photographs)
    expected = far(values if FAMILIES[name].larger == "nearer" else -values)
    np.testing.assert_allclose(depth_of(settings(name, folder)), expected, atol=2e-3)


@EVERY
def test_whole_images_keep_their_shape(opened, photographs, name):
    if name != "dpt_hybrid":  # the processor makes them square
        assert opened(name).raw(photographs[:, :40]).shape == (2, 40, 64)


@EVERY
def test_weights_in_float16_draw_a_like_map(opened, half_error, name):
    network = opened(name)
    if name == "depth_anything":
        network.model.head.conv3.bias.fill_(100)
    if name.startswith("dpt"):
        assert (
            half_error(network) > 0.05
        )  # its predictions lie about 10,000, which is 8 from the next float16
        network.model.head.head[-2].bias.fill_(100)
    assert 0 < half_error(network) < 0.05


def test_midas_by_hand(miniature, opened, photographs):
    """Its old processor file scales colours to -1 … 1, and predictions of 64 px are resized to no other size."""
    model = DPTForDepthEstimation.from_pretrained(miniature("dpt"))
    pixels = torch.from_numpy(photographs).permute(0, 3, 1, 2) / 127.5 - 1
    with torch.inference_mode():
        inverse = interpolate(model(pixels).predicted_depth[:, None], size=(64, 64), mode="bicubic")[:, 0]
    np.testing.assert_allclose(opened("dpt").raw(photographs), inverse, rtol=1e-5)


def test_the_docs_name_the_families_that_were_tried(request, opened):
    page = (request.config.rootpath / "docs/benchmarks.md").read_text()
    named = re.findall(r"^\| [^|]+ \| `(\w+)` \| [^|]*`(?:nearer|farther)`", page, re.MULTILINE)
    types = {opened(name).model.config.model_type for name in FAMILIES}
    assert types == set(named) <= {config.model_type for config in MODEL_FOR_DEPTH_ESTIMATION_MAPPING}


# The mean with the mirror image


def one_way(network: Transformers, image: np.ndarray) -> np.ndarray:
    """A prediction of ZoeDepth, resized and cut by hand: float32 [48, 48]."""
    with torch.inference_mode():
        pixels = network.processor(images=[image], return_tensors="pt")["pixel_values"]
        depth = network.model(pixels).predicted_depth[None]
    pad = int(np.sqrt(SIDE / 2) * 3)  # 14 px of reflection on every side
    padded = interpolate(depth, size=[SIDE + 2 * pad] * 2, mode="bicubic")
    return padded[0, 0, pad:-pad, pad:-pad].numpy()


def test_mirrored_is_the_mean_of_both_ways_of_looking(opened, images):
    network, plain = opened("zoedepth", mirrored=True), opened("zoedepth")
    there, back = one_way(network, images[0]), one_way(network, images[0, :, ::-1].copy())
    expected = (there + back[:, ::-1]) / 2
    assert np.abs(there - expected).max() > 1e-3  # the mirror image does matter
    np.testing.assert_allclose(network.raw(images[:1])[0], expected, rtol=1e-4)
    np.testing.assert_allclose(plain.raw(images[:1])[0], there, rtol=1e-4)


@EVERY
def test_a_mirrored_image_has_mirrored_depth(opened, images, name):
    network = opened(name, mirrored=True)
    there, back = network.raw(images[:1]), network.raw(images[:1, :, ::-1].copy())
    if name == "depth_pro":  # its angle of view is that of the image itself: a factor
        there, back = there / there.mean(), back / back.mean()
    torch.testing.assert_close(back.flip(-1), there, rtol=1e-4, atol=1e-4)


def test_a_batch_is_its_images(opened, images):
    network = opened("zoedepth", mirrored=True)
    metres = network.raw(images)
    singles = torch.cat([network.raw(images[place : place + 1]) for place in range(3)])
    torch.testing.assert_close(metres, singles, rtol=1e-4, atol=0)
    assert (metres[0] - metres[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("domains", "together"), [(1, [3]), (2, [1, 1, 1])])
def test_a_network_of_two_domains_is_shown_one_image_at_a_time(opened, images, domains, together):
    """It chooses one of them for all images of a batch, whatever each shows."""
    network, seen = opened("zoedepth"), []
    alone = torch.cat([network.raw(image[None]) for image in images])
    network.model.config.bin_configurations *= domains
    network.model.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    torch.testing.assert_close(network.raw(images), alone, rtol=1e-4, atol=1e-5)
    assert seen == together


@pytest.mark.parametrize("name", ["zoedepth", "depth_pro"])
def test_both_images_in_one_batch_are_those_one_by_one(opened, images, name):
    network = opened(name)
    pixels = network.processor(images=list(images), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        together, apart = (answered(network.model, pixels, True, together=choice) for choice in (True, False))
        sizes = {"source_sizes" if name == "zoedepth" else "target_sizes": [(SIDE, SIDE)] * 3}
        maps = [network.processor.post_process_depth_estimation(of, **sizes) for of in (together, apart)]
    torch.testing.assert_close(together.predicted_depth, apart.predicted_depth, rtol=1e-5, atol=1e-6)
    for first, second in zip(*maps, strict=True):
        torch.testing.assert_close(first["predicted_depth"], second["predicted_depth"], rtol=1e-4, atol=1e-6)


# What the configuration of a network tells


@EVERY
def test_a_contradiction_about_near_and_far_is_refused_where_the_network_tells(miniature, opened, name):
    told = meaning(opened(name).model.config)
    assert told in ({None} if name.startswith("dpt") else {FAMILIES[name].larger})
    other = {"nearer": "farther", "farther": "nearer"}[FAMILIES[name].larger]
    if told is None:
        assert opened(name, larger=other).nearer == (other == "nearer")
        return
    with pytest.raises(DepthGError, match=rf"larger: {other} contradicts .* set larger: {told} in its entry"):
        opened(name, larger=other)


def test_a_constant_prediction_is_an_error(miniature, depth_of, monkeypatch):
    monkeypatch.setattr(Transformers, "raw", lambda self, images: torch.full((len(images), 4, 4), 2.0))
    with pytest.raises(DepthGError, match=r"val/0\.png: .*glpn.* finds the same depth everywhere"):
        depth_of(settings("glpn", miniature("glpn")))


def test_images_that_the_network_cannot_take(opened, photographs):
    """The hybrid's position embedding is of one size; a processor that keeps the aspect may miss it."""
    network = opened("dpt_hybrid")
    network.processor.keep_aspect_ratio, network.processor.ensure_multiple_of = True, 32
    with pytest.raises(DepthGError, match=r"dpt_hybrid.*: images of 64 × 20 px: .*: set predict_on: crop"):
        network.raw(photographs[:, :20])


# Weights


def changed(folder: Path, to: Path, kept) -> Path:
    """A copy of a model folder, with only some of its weights: those whose name and index are `kept`."""
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "model.safetensors")
    left = {key: weights[key] for place, key in enumerate(sorted(weights)) if kept(key, place)}
    save_file(left, to / "model.safetensors", {"format": "pt"})
    return to


def test_files_lack_a_layer_that_is_never_used(miniature, photographs, opened, tmp_path):
    """dpt-large has no first residual layer; transformers invents one, another at each start."""
    folder = changed(
        miniature("dpt"), tmp_path, lambda key, _: "fusion_stage.layers.0.residual_layer1" not in key
    )
    first, second = (Transformers(settings("dpt", folder), Path(), []) for _ in range(2))
    assert first.identity == second.identity
    published, own = (load_file(of / "model.safetensors") for of in (folder, miniature("dpt")))
    assert len(own) - len(published) == 4
    np.testing.assert_array_equal(first.raw(photographs), opened("dpt").raw(photographs))


@EVERY
def test_weights_that_lack_some_are_refused(miniature, tmp_path, name):
    folder = changed(miniature(name), tmp_path, lambda _, place: place >= 2)
    with pytest.raises(DepthGError, match=r"cannot be loaded \(2 weights are not in its files\)"):
        Transformers(settings(name, folder), Path(), [])


def test_weights_stored_in_float16_are_computed_in_float32(miniature, photographs, opened, tmp_path):
    folder = changed(miniature("glpn"), tmp_path, lambda *_: True)
    halves = {key: value.half() for key, value in load_file(folder / "model.safetensors").items()}
    save_file(halves, folder / "model.safetensors", {"format": "pt"})
    text = (folder / "config.json").read_text().replace('"dtype": "float32"', '"dtype": "float16"')
    (folder / "config.json").write_text(text)
    network = Transformers(settings("glpn", folder), Path(), [])
    assert {value.dtype for value in network.model.parameters()} == {torch.float32}
    np.testing.assert_allclose(network.raw(photographs), opened("glpn").raw(photographs), rtol=0.05)


def test_other_weights_are_noticed(miniature, opened, tmp_path):
    model = ZoeDepthForDepthEstimation.from_pretrained(miniature("zoedepth"))
    with torch.no_grad():
        next(model.parameters()).add_(1)
    model.save_pretrained(tmp_path)
    ZoeDepthImageProcessor.from_pretrained(miniature("zoedepth")).save_pretrained(tmp_path)
    first = opened("zoedepth").identity
    assert opened("zoedepth").identity == first
    assert Transformers(settings("zoedepth", tmp_path), Path(), []).identity != first


@EVERY
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_card_draws_the_maps_of_the_cpu(opened, images, monkeypatch, name):
    card = opened(name, mirrored=True)
    monkeypatch.setattr("depthg.stages.depth.network.device", lambda: torch.device("cpu"))
    exact = opened(name, mirrored=True).raw(images).numpy()
    allowed = {"float32": 0.05, "float16": 1.0 if name.startswith(("dpt", "depth_anything")) else 0.05}
    for precision in ("float32", "float16"):
        card.adapt(SimpleNamespace(images=images, records=[]), precision)
        assert card.precision == precision and card.batch > card.unit
        assert map_error(card._predicted(images).cpu().numpy(), exact) <= allowed[precision]
