"""What is measured on a card runs without one, at tiny sizes; no time is asserted."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.autograd import DeviceType
from transformers import AutoModelForDepthEstimation

from benchmarks import batches, runner
from benchmarks.card import depth, features, forward, seeds, training
from benchmarks.card.device import Busy, busy, busy_of, share
from benchmarks.card.networks import published
from benchmarks.measure import Cost, Row
from benchmarks.report import markdown

pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="on a card the sizes are not tiny")
SCRIPT = Path(runner.__file__).with_name("on_gpu.sh")


def test_the_forward_pass(tmp_path):
    rows = forward.measured(tmp_path)
    assert len(rows) == len(forward.WEIGHTS) * len(forward.BATCHES)
    assert rows[0].ratio == 1 and "bfloat16 weights, batches of 2" in markdown({}, rows)


def test_a_way_that_fails_costs_its_row_alone(monkeypatch, capsys):
    monkeypatch.setitem(forward.WEIGHTS, "float16 weights", torch.int8)
    assert forward._working(forward.Way("float16 weights", 2)) is None
    assert "float16 weights, batches of 2: not measured" in capsys.readouterr().err


def test_the_features_stage(tmp_path):
    assert [row.items for row in features.measured(tmp_path)] == [features.CROPS] * 4


def test_the_training_step(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(training, "CROPS_STORED", 8)
    monkeypatch.setattr(batches, "DRAWN", 1)
    for module in (training, batches):
        for name, settings in tiny.items():
            monkeypatch.setattr(module, name, settings)
    rows = training.measured(tmp_path)
    assert [row.stage for row in rows] == [
        "training step",
        "training step, 3D-LHP",
        "a batch",
        "a batch, 3D-LHP",
    ]


@pytest.mark.slow  # every process imports torch
def test_trainings_of_several_seeds(tmp_path, tiny, monkeypatch):
    monkeypatch.setattr(seeds, "CROPS_STORED", 8)
    for name, settings in tiny.items():
        monkeypatch.setattr(seeds, name, settings)
    rows = seeds.measured(tmp_path)
    assert [row.stage for row in rows] == ["trainings", "trainings, 3D-LHP"]
    assert all(row.size.startswith("2 seeds") and row.ratio > 0 for row in rows)


@pytest.mark.slow  # of the library's own size
def test_depth_networks(tmp_path):
    rows = depth.measured(tmp_path)
    assert [row.stage for row in rows] == ["depth: ZoeDepth", "depth: MiDaS", "depth: Depth Anything"]


def test_designs_have_as_many_weights_as_published():
    """ZoeDepth-N 345 million, DPT-Large 343, Depth Anything V2 small 24.8."""
    with torch.device("meta"):
        networks = [
            AutoModelForDepthEstimation.from_config(design.network) for design in published().values()
        ]
    millions = [sum(weights.numel() for weights in network.parameters()) / 1e6 for network in networks]
    assert millions == pytest.approx([345, 343, 24.8], rel=5e-3)


def test_without_a_card_nothing_is_busy():
    assert busy(lambda: 1 / 0) is None


def test_neither_copies_nor_named_regions_are_kernels():
    def event(name, device, named=False):
        return SimpleNamespace(
            name=name,
            device_type=device,
            is_user_annotation=named,
            time_range=SimpleNamespace(elapsed_us=lambda: 500.0),
        )

    events = [
        *(
            event("gemm", DeviceType.CUDA),
            event("aten::mm", DeviceType.CPU),
            event("softmax", DeviceType.CUDA),
        ),
        *(event("Memcpy HtoD", DeviceType.CUDA), event("Optimizer.step", DeviceType.CUDA, named=True)),
    ]
    assert busy_of(events) == Busy(1e-3, 2)
    row = Row("step", "", Cost((4e-3, 4e-3)))
    assert share(row, 1e-3).ratio == 0.25


def test_a_subject_that_fails_leaves_the_others(tmp_path, monkeypatch, capsys):
    def found(subject):
        if subject == "writing":
            raise OSError("the disk is full")
        return [Row(subject, "", Cost((1.0,)))]

    monkeypatch.setattr(runner, "_apart", found)
    monkeypatch.setattr(
        sys, "argv", ["benchmarks", "--only", "writing", "reading", "--out", str(tmp_path / "some")]
    )
    with pytest.raises(SystemExit, match="not measured: writing"):
        runner.main()
    assert "| reading |" in (tmp_path / "some.md").read_text()


def test_a_part_does_not_take_the_place_of_the_whole(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runner, "_apart", lambda subject: [Row(subject, "", Cost((1.0,)))])
    monkeypatch.setattr(runner, "RESULTS", tmp_path)
    monkeypatch.setattr(sys, "argv", ["benchmarks", "--only", "reading"])
    runner.main()
    assert "| reading |" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_script_can_be_read():
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)
