"""A file of weights tells that it is damaged, and what it was made from."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from depthg.errors import DepthGError
from depthg.models.sealed import check_origin, load_sealed, save_sealed

TENSORS = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "b": np.ones(2, np.int64)}


@pytest.fixture
def path(tmp_path):
    save_sealed(TENSORS, tmp_path / "x.safetensors", "depthg", {"made_from": {"seed": 1}})
    return tmp_path / "x.safetensors"


def test_what_was_written_is_read(path):
    tensors, about = load_sealed(path, "depthg")
    assert tensors.keys() == TENSORS.keys() and about["made_from"] == {"seed": 1}
    assert all(np.array_equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("place", range(-60, 0, 7))
def test_any_flipped_bit_of_a_weight_is_seen(path, place):
    content = bytearray(path.read_bytes())
    content[max(place, -40)] ^= 4
    path.write_bytes(content)
    with pytest.raises(DepthGError, match=r"x\.safetensors: damaged: .* --force "):
        load_sealed(path, "depthg")


def test_a_changed_origin_is_seen(path):
    path.write_bytes(path.read_bytes().replace(b'seed\\": 1', b'seed\\": 2'))
    with pytest.raises(DepthGError, match="damaged"):
        load_sealed(path, "depthg")


def test_a_file_of_an_earlier_version_is_read(path):
    save_file(TENSORS, path, {"depthg": "{}"})
    assert load_sealed(path, "depthg")[1] == {}


def test_an_origin_is_compared_as_far_as_it_is_known(tmp_path):
    made = {"model": "1", "features": None}
    check_origin(tmp_path / "f", made, model="1", features="2", probes="3")
    check_origin(tmp_path / "f", made, model=None)
    with pytest.raises(DepthGError, match="f was made from another model than the one there now"):
        check_origin(tmp_path / "f", made, model="2")
