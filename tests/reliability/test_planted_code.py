"""Code planted as a pickle in every file that is read: nothing runs it, and the file is named in one line."""

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image

from depthg.config.settings import TrainSettings
from depthg.data.matlab import read_label
from depthg.errors import DepthGError
from depthg.evaluation.probes import load_probes
from depthg.models.checkpoint import Model, load_model
from depthg.report.figures.predictions import read_predictions
from depthg.stages.components import _read_axes
from depthg.stages.depth.files import _read as read_depth
from depthg.store.reader import Store
from depthg.training.checkpoint import TrainingCheckpoint
from depthg.weights.checkpoints import read_checkpoint
from depthg.weights.lightning import read_lightning


class Planted:
    """Touches a file as soon as it is unpickled."""

    def __init__(self, flag):
        self.flag = flag

    def __reduce__(self):
        return os.mkdir, (str(self.flag),)


def in_npz(path, planted):
    np.savez(path, np.array([planted], dtype=object))


def in_npy(path, planted):
    np.save(path, np.array([planted], dtype=object))


def in_pickle(path, planted):
    path.write_bytes(pickle.dumps(planted))


def in_torch(path, planted):
    torch.save({"state_dict": {"a": torch.zeros(1)}, "callbacks": planted}, path)


def in_torch_zip(path, planted):
    """As torch.save, but with the planted object alone."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(planted, protocol=2))
        archive.writestr("archive/version", "3")


def resume(path):
    step, lines = TrainingCheckpoint(path, {}, torch.device("cpu")).restore()
    assert (step, lines) == (0, [])
    raise DepthGError(f"{path}: nothing to resume")


READERS = {
    "weights.pth": read_checkpoint,
    "weights.safetensors": read_checkpoint,
    "kbr.ckpt": lambda path: read_lightning(path, "net."),
    "checkpoint.pt": resume,
    "model.safetensors": load_model,
    "probes.safetensors": load_probes,
    "depth.npy": read_depth,
    "depth.npz": read_depth,
    "depth.png": read_depth,
    "tile.mat": read_label,
    "predictions.npz": read_predictions,
    "axes.npy": _read_axes,
}
PACKED = [in_pickle, in_npz, in_npy, in_torch, in_torch_zip]


@pytest.mark.parametrize("pack", PACKED)
@pytest.mark.parametrize("name", READERS)
def test_no_planted_code_runs(tmp_path, name, pack):
    flag, path = tmp_path / "pwned", tmp_path / name
    packed = tmp_path / ("packed.npz" if pack is in_npz else "packed.npy")
    pack(packed, Planted(flag))
    packed.rename(path)
    with pytest.raises(DepthGError, match=name):
        READERS[name](path)
    assert not flag.exists()


@pytest.mark.parametrize("pack", [in_pickle, in_npy])
def test_the_trap_works(tmp_path, pack):
    """Else the tests above could not fail."""
    pack(tmp_path / "a.npy", Planted(tmp_path / "pwned"))
    np.load(tmp_path / "a.npy", allow_pickle=True)
    assert (tmp_path / "pwned").exists()


@pytest.mark.parametrize("place", ["complete.json", "a/zarr.json", "a/c.0.0"])
def test_no_planted_code_runs_in_a_store(tmp_path, write_small_store, place):
    store = write_small_store(tmp_path / "s.zarr")
    (store / place).write_bytes(pickle.dumps(Planted(tmp_path / "pwned")))
    with pytest.raises(DepthGError, match=r"s\.zarr"):
        Store(store).read("a", range(3))
    assert not (tmp_path / "pwned").exists()


def test_no_codec_of_a_store_unpickles(tmp_path, write_small_store):
    store = write_small_store(tmp_path / "s.zarr")
    about = (store / "a/zarr.json").read_text().replace('"bytes"', '"numcodecs.pickle"', 1)
    (store / "a/zarr.json").write_text(about)
    with pytest.raises(DepthGError, match=r"s\.zarr"):
        Store(store).read("a", range(3))


def test_an_image_with_a_pickle_beside_it_is_only_an_image(tmp_path):
    Image.new("RGB", (3, 2)).save(tmp_path / "a.png")
    with (tmp_path / "a.png").open("ab") as stream:
        stream.write(pickle.dumps(Planted(tmp_path / "pwned")))
    Image.open(tmp_path / "a.png").load()
    assert not (tmp_path / "pwned").exists()


def test_settings_of_a_model_are_only_settings(tmp_path):
    """They are validated, not made into objects."""
    with pytest.raises(ValueError, match="extra"):
        Model(TrainSettings(**{"__reduce__": "os.mkdir"}), 8)
