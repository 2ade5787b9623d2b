import numpy as np
import pytest
import torch

from depthg.config.settings import TrainSettings
from depthg.errors import DepthGError
from depthg.evaluation import codes
from depthg.evaluation.codes import CodeReader, RowCache, encode, open_mirrored, open_reader, open_split
from depthg.models.checkpoint import Model
from depthg.store.reader import Store


class Counting(torch.nn.Module):
    """Doubles tokens and counts the crops it was given."""

    crops = 0

    def forward(self, tokens):
        self.crops += len(tokens)
        return 2 * tokens


def test_encode_gives_float32_without_gradient():
    head = torch.nn.Linear(6, 4)
    tokens = np.random.default_rng(0).normal(size=(2, 5, 6)).astype(np.float16)
    codes = encode(head, tokens)
    expected = tokens.astype(np.float64) @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    assert codes.dtype == torch.float32
    assert not codes.requires_grad
    assert np.allclose(codes, expected, atol=1e-5)


@pytest.mark.parametrize("tokens", ["raw", "centred"])
def test_the_floor_has_no_weights_and_is_computed_where_its_process_computes(monkeypatch, tokens):
    """There its probes are, too."""
    monkeypatch.setattr(codes, "device", lambda: torch.device("meta"))
    floor = Model(TrainSettings(head="identity", steps=0, tokens=tokens), 6).to("meta")
    assert encode(floor, np.zeros((2, 5, 6), np.float16)).device.type == "meta"


def test_reader_keeps_order_and_computes_a_crop_once(planted):
    head, store = Counting(), Store(planted.features("train"))
    reader = CodeReader(store, head)
    first, second = reader.codes([4, 1, 4]), reader.codes([1, 2])
    expected = 2 * store.read("tokens").astype(np.float32).reshape(12, -1, planted.channels)
    assert np.array_equal(first, expected[[4, 1, 4]])
    assert np.array_equal(second, expected[[1, 2]])
    assert head.crops == 3


def test_reader_without_room_computes_again(planted):
    head = Counting()
    reader = CodeReader(Store(planted.features("train")), head, cache_bytes=0)
    assert torch.equal(reader.codes([3]), reader.codes([3]))
    assert head.crops == 2


def test_codes_are_the_mean_of_those_of_the_crop_and_of_its_mirror_image(planted):
    """A head that squares: the mean of codes is not the code of the mean."""
    own = Store(planted.features("val")).read("tokens")
    other = own[:, :, ::-1] + np.float16(1)
    planted.plant_mirrored("val", other)
    stores = Store(planted.features("val")), Store(planted.mirrored("val"))
    reader = CodeReader(stores[0], lambda tokens: tokens**2, mirrored=stores[1])
    expected = (own.astype(np.float64) ** 2 + other.astype(np.float64) ** 2) / 2
    np.testing.assert_allclose(
        reader.codes([3, 0]), expected[[3, 0]].reshape(2, -1, planted.channels), rtol=1e-6
    )


def test_the_mirrored_store_has_to_be_that_of_the_features(planted):
    features, tokens = Store(planted.features("val")), Store(planted.features("val")).read("tokens")
    with pytest.raises(DepthGError, match="flip needs the features of mirrored crops: give --mirrored"):
        open_mirrored(None, features)
    with pytest.raises(
        DepthGError, match=r"--mirrored: .* is of crops as they are: give the store that `depthg m"
    ):
        open_mirrored(planted.features("val"), features)
    planted.plant_mirrored("val", tokens)
    assert open_mirrored(planted.mirrored("val"), features).fingerprint != features.fingerprint
    with pytest.raises(
        DepthGError, match=r"--features: .* is of mirrored crops: give the store that `depthg f"
    ):
        open_split(planted.mirrored("val"), planted.crops("val"))
    for part in ("crops", "settings", "weights", "axes"):
        planted.plant_mirrored("val", tokens, **{part: "other"})
        with pytest.raises(
            DepthGError, match=r"of other crops or backbones: make the first again with `snakemake"
        ):
            open_mirrored(planted.mirrored("val"), features)


def test_features_of_other_crops_are_refused(planted):
    with pytest.raises(DepthGError, match="was made from another"):
        open_split(planted.features("train"), planted.crops("val"))


def test_a_split_without_crops_is_named(tmp_path, write_store):
    crops = write_store(tmp_path / "c.zarr", {"labels": np.zeros((0, 4, 4), np.uint16)})
    tokens = np.zeros((0, 2, 2, 6), np.float16)
    write_store(tmp_path / "f.zarr", {"tokens": tokens}, crops=crops.fingerprint)
    with pytest.raises(DepthGError, match="holds no crops"):
        open_split(tmp_path / "f.zarr", tmp_path / "c.zarr")


def test_a_model_for_other_channels_is_refused(planted, write_store, tmp_path):
    write_store(tmp_path / "wide.zarr", {"tokens": np.zeros((1, 2, 2, planted.channels + 1), np.float16)})
    with pytest.raises(DepthGError, match="channels"):
        open_reader(Store(tmp_path / "wide.zarr"), planted.model)


def test_rows_beyond_the_limit_are_read_again():
    read = []

    def values(rows):
        read.extend(rows)
        return [np.full(4, row, np.uint8) for row in rows]

    cache = RowCache(values, limit=8)
    assert [value[0] for value in cache([5, 3, 5, 9])] == [5, 3, 5, 9]
    assert [value[0] for value in cache([9, 3])] == [9, 3]
    assert read == [5, 3, 9, 9]
