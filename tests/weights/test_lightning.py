"""Lightning's checkpoints: the tensors come out, and nothing in the file is run."""

import os
import pathlib
from collections import OrderedDict

import pytest
import torch

from depthg.errors import DepthGError
from depthg.weights.lightning import read_lightning


class Settings(dict):
    """A mapping of a class that is not there when the file is read."""


class Hook:
    """An object with a state."""

    def __init__(self):
        self.path, self.best = pathlib.PurePosixPath("x"), torch.ones(1)


class Bomb:
    """Runs a command wherever it is unpickled."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


WEIGHTS = OrderedDict(
    {"nets.depth.a": torch.arange(3.0), "nets.depth.b.c": torch.ones(2, 2), "nets.pose.a": torch.ones(1)}
)


def _save(path, **content):
    torch.save({"epoch": 3, "state_dict": WEIGHTS} | content, path)
    return path


def test_tensors_come_out_under_their_own_names(tmp_path):
    settings = Settings(lr=1e-4, nested=Settings(a=[1, 2]))
    path = _save(tmp_path / "k.ckpt", hyper_parameters=settings, callbacks={"c": Hook()}, kind=Settings)
    weights = read_lightning(path, "nets.depth.")
    assert list(weights) == ["a", "b.c"] and torch.equal(weights["a"], torch.arange(3.0))


def _touch(path: str) -> None:
    pathlib.Path(path).touch()


def test_code_is_not_run(tmp_path):
    bomb = Bomb(_touch, str(tmp_path / "harm"))
    bomb.__reduce__()[0](*bomb.__reduce__()[1])
    assert (tmp_path / "harm").exists()  # it does go off
    (tmp_path / "harm").unlink()
    evil = Bomb(eval, "open('harm', 'w')")
    path = _save(tmp_path / "k.ckpt", callbacks=bomb, loops=evil)
    assert list(read_lightning(path, "nets.depth.")) == ["a", "b.c"]
    assert not (tmp_path / "harm").exists() and not pathlib.Path("harm").exists()


def test_system_modules_are_refused(tmp_path):
    path = _save(tmp_path / "k.ckpt", callbacks=Bomb(os.system, f"touch {tmp_path}/harm"))
    with pytest.raises(
        DepthGError, match=r"k\.ckpt: not a readable checkpoint \(it is no checkpoint, or holds code"
    ):
        read_lightning(path, "nets.depth.")
    assert not (tmp_path / "harm").exists()


def test_other_files_are_named(tmp_path):
    with pytest.raises(DepthGError, match=r"k\.ckpt: has no weights named nets\.flow\."):
        read_lightning(_save(tmp_path / "k.ckpt"), "nets.flow.")
    (tmp_path / "page.ckpt").write_text("<html>")
    with pytest.raises(DepthGError, match=r"page\.ckpt: not a readable checkpoint"):
        read_lightning(tmp_path / "page.ckpt", "nets.depth.")
    torch.save(torch.ones(1), tmp_path / "tensor.ckpt")
    with pytest.raises(DepthGError, match="has no weights"):
        read_lightning(tmp_path / "tensor.ckpt", "nets.depth.")
