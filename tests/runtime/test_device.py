"""What a stage meant for a GPU says where there is none."""

import pytest
import torch

from depthg.errors import DepthGError
from depthg.runtime.device import announce


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("DEPTHG_NEEDS_GPU", raising=False)


def test_the_cpu_is_told_in_one_line(capsys):
    announce("training")
    assert capsys.readouterr().out == "training: torch sees no GPU: computing on the CPU\n"


def test_a_gpu_that_was_promised_is_missed(monkeypatch, capsys):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    announce("training")
    assert capsys.readouterr().out.startswith(
        "warning: training: CUDA_VISIBLE_DEVICES=0, but torch sees no GPU"
    )


def test_a_gpu_that_is_needed_is_an_error(monkeypatch):
    monkeypatch.setenv("DEPTHG_NEEDS_GPU", "1")
    with pytest.raises(DepthGError, match=r"training: torch \S+ sees no GPU, and DEPTHG_NEEDS_GPU is set"):
        announce("training")


def test_with_a_gpu_there_is_nothing_to_say(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    announce("training")
    assert capsys.readouterr().out == ""
