"""float16 only where no map shows it, and what was begun in it goes on in it; batches; three steps at once."""

import json
import re
from contextlib import nullcontext
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from depthg.config.sections import DepthSource
from depthg.runtime.device import exact_float32
from depthg.stages.depth import stage
from depthg.stages.depth.network import Network
from depthg.stages.depth.precision import map_error, precision_for
from depthg.stages.depth.source import Images
from depthg.store.arrays import Array
from depthg.store.completion import complete
from depthg.store.parts import Part
from depthg.store.reader import Store
from depthg.store.writer import Writer

ROWS, SIDE = 50, 16
WAIT = 60  # seconds, if one step were to wait for another


class Grey(Network):
    """Depth is a mean of the colours; `base` is added to it, which costs float16 its digits."""

    title, nearer = "Grey", False
    base = torch.zeros(1)

    def open(self, name):
        self.device = torch.device("cpu")
        torch.manual_seed(0)
        self.shown: list[int] = []
        return nn.Conv2d(3, 1, 1)

    def raw(self, images):
        self.shown.append(len(images))
        pixels = torch.from_numpy(images).permute(0, 3, 1, 2).to(self.model.weight.dtype) / 255
        return (self.model(pixels)[:, 0] + self.base).float()


@pytest.fixture(scope="module")
def crops(tmp_path_factory) -> Path:
    """A store of 50 crops of 16 px of one image, with its images.csv."""
    folder = tmp_path_factory.mktemp("crops")
    arrays = {"images": Array((SIDE, SIDE, 3), "uint8"), "image": Array((), "int32")}
    writer = Writer(folder / "crops.zarr", ROWS, arrays, {})
    pixels = np.random.default_rng(0).integers(0, 256, (ROWS, SIDE, SIDE, 3), dtype=np.uint8)
    writer.write(range(ROWS), images=pixels, image=np.zeros(ROWS))
    writer.finish()
    (folder / "images.csv").write_text("id,path,label,width,height,hash\n0,a.png,,16,16,0\n")
    return folder


@pytest.fixture
def make(crops, tmp_path, monkeypatch):
    """Run the stage with a network; returns it, and leaves depth.zarr in `tmp_path`."""

    def run(change=lambda network: None, part: str = "1/1") -> Grey:
        network = Grey(DepthSource(source="grey"), Path(), [])
        change(network)
        monkeypatch.setattr(stage, "open_source", lambda *_: network)
        monkeypatch.setattr(stage, "read_images", lambda _: [object()])
        source, out = DepthSource(source="grey"), tmp_path / "depth.zarr"
        stage.make_depth(crops / "crops.zarr", crops, crops, "train", out, source, Part.parse(part))
        return network

    return run


def choosing(precision: str):
    """A change of a network: it finds this precision good enough, as on a card."""

    def change(network: Grey) -> None:
        adapt = network.adapt
        network.adapt = lambda crops, begun: adapt(crops, begun or precision)

    return change


def content(store: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (store / "depth").iterdir()}


def test_the_error_is_that_of_maps_scaled_to_one():
    exact = np.array([[[0.0, 4.0], [2.0, 1.0]], [[1.0, 2.0], [1.5, 2.0]]])
    other = exact.copy()
    other[0, 1, 0] += 0.1
    assert map_error(other, exact) == pytest.approx(0.1 / 4)
    assert map_error(exact * 3 + 7, exact) == pytest.approx(0)
    assert map_error(np.full_like(exact, np.nan), exact) == np.inf
    assert map_error(np.ones_like(exact), exact) == np.inf


def test_float16_is_chosen_below_half_a_step_of_8_bits():
    assert precision_for(0.5 / 255 - 1e-6) == "float16"
    assert precision_for(0.5 / 255) == precision_for(np.inf) == "float32"


def test_a_network_whose_values_float16_cannot_tell_apart_keeps_float32(photographs, half_error):
    network = Grey(DepthSource(source="grey"), Path(), [])
    assert precision_for(half_error(network)) == "float16"
    network.base = torch.tensor([1000.0])
    assert precision_for(half_error(network)) == "float16"  # added in float32
    network.base = torch.tensor([1000.0]).half()
    assert precision_for(half_error(network)) == "float32"


def test_exact_products_are_asked_for_a_while_only():
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    with exact_float32():
        assert not torch.backends.cudnn.allow_tf32
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32) == before


@pytest.fixture
def card(monkeypatch):
    """A stand-in for a card of 40 MB on which a batch takes 10 MB; returns a change of a network that uses it."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())
    figures = {
        "reset_peak_memory_stats": None,
        "memory_allocated": 5_000_000,
        "max_memory_allocated": 15_000_000,
        "empty_cache": None,
        "mem_get_info": (40_000_000, 50_000_000),
    }
    for name, value in figures.items():
        monkeypatch.setattr(torch.cuda, name, lambda *_, value=value: value)

    def change(network: Grey) -> None:
        network.device = SimpleNamespace(type="cuda")

    return change


def test_on_a_card_float16_and_a_batch_are_chosen_and_told(make, tmp_path, card, capsys):
    assert make(card).shown == [
        10,
        10,
        10,
        16,
        16,
        16,
        16,
        2,
    ]  # float32 and float16 on trial, the memory, the batch on trial, and what is stored
    assert Store(tmp_path / "depth.zarr").provenance["precision"] == "float16"
    told = (
        r"Grey depth: float16 \(float16 is off by 0\.000\d\d of .* 0\.00196 is allowed\), 16 crops a batch\n"
    )
    assert re.search(told, capsys.readouterr().out)


def test_on_a_card_float32_is_kept_where_float16_will_not_do(make, tmp_path, card, capsys):
    def change(network: Grey) -> None:
        card(network)
        network.base = torch.tensor([1000.0]).half()

    assert make(change).model.weight.dtype == torch.float32
    assert "precision" not in Store(tmp_path / "depth.zarr").provenance
    assert re.search(r"Grey depth: float32 \(float16 is off by .*16 crops a batch\n", capsys.readouterr().out)


def test_on_a_card_whole_images_go_on_by_few(crops, card):
    network = Grey(DepthSource(source="grey"), Path(), [])
    card(network)
    network.whole, network.read = True, lambda crops: [Images([], np.zeros((2, 16, 16, 3), np.uint8))]
    network.adapt(None, "float32")
    assert (network.batch, network.precision) == (10, "float32")


def test_on_a_cpu_nothing_is_tried_and_provenance_is_as_before(make, tmp_path):
    assert make().shown == [10] * 5
    assert set(Store(tmp_path / "depth.zarr").provenance) == {"settings", "crops", "source"}


def test_what_was_begun_in_float16_goes_on_in_it(make, tmp_path, monkeypatch):
    make(choosing("float16"))
    expected, store = content(tmp_path / "depth.zarr"), tmp_path / "depth.zarr"
    assert Store(store).provenance["precision"] == "float16"

    (store / "progress.json").write_text(json.dumps({"rows": 30}))  # as if killed after 30 rows
    assert make().shown == [10, 10]  # nobody chooses here, and nothing is made anew
    assert content(store) == expected and Store(store).provenance["precision"] == "float16"


def test_what_was_begun_in_float32_goes_on_in_it(make, tmp_path):
    make()
    expected, store = content(tmp_path / "depth.zarr"), tmp_path / "depth.zarr"
    (store / "progress.json").write_text(json.dumps({"rows": 30}))
    assert make(choosing("float16")).shown == [10, 10]
    assert content(store) == expected and "precision" not in Store(store).provenance


def test_another_network_chooses_anew(make, tmp_path):
    make(choosing("float16"))

    def other(network: Grey) -> None:
        network.identity = "other weights"

    make(other)
    assert "precision" not in Store(tmp_path / "depth.zarr").provenance


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batches_of_a_card_and_parts_give_the_same_rows(make, tmp_path, batch):
    make()
    expected = content(tmp_path / "depth.zarr")

    def change(network: Grey) -> None:
        network.batch = batch

    for number in (1, 2, 3):
        store = tmp_path / "depth.zarr"
        if number == 1:
            (store / "fingerprint.json").unlink()  # begin anew
        assert max(make(change, f"{number}/3").shown, default=0) <= batch
    complete(tmp_path / "depth.zarr", 3)
    assert content(tmp_path / "depth.zarr") == expected


def test_reading_computing_and_writing_overlap(make):
    """A batch is computed only once the next has been read, and the second once the first is being written."""
    read, scaled, calls = Event(), Event(), []

    def change(network: Grey) -> None:
        read_one, compute, scale = network.read, network.compute, network.scale

        def reading(crops):
            if crops.rows.start:
                read.set()
            return read_one(crops)

        def computing(given):
            calls.append(read.wait(WAIT) if not calls else scaled.wait(WAIT))
            return compute(given)

        def scaling(crops, computed, side):
            scaled.set()
            return scale(crops, computed, side)

        network.read, network.compute, network.scale = reading, computing, scaling

    make(change)
    assert calls == [True] * 5
