import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.store.writer import Writer
from depthg.training.inputs import Inputs
from depthg.training.objective import Correlation
from depthg.training.selection import CRITERIA, LabelledSplit, Selection, by_halving, evenly

CPU = torch.device("cpu")


class Scripted:
    """A criterion that says what it was told to, and marks the weights it saw."""

    looks = staticmethod(evenly)

    def __init__(self, scores):
        self.scores, self.seen = iter(scores), []

    def __call__(self, model):
        assert not model.training
        self.seen.append(next(self.scores))
        with torch.no_grad():
            model.head.linear.bias.fill_(self.seen[-1])
        return self.seen[-1]


def test_the_best_of_ten_looks_is_kept(settings):
    model = Model(settings, 8)
    criterion = Scripted([3, 7, 7, 5, 1, 2, 6, 0, 4, 6.5])
    selection = Selection(criterion, 40)
    found = [selection.update(model, step) for step in range(40)]
    assert [step for step, score in enumerate(found) if score is not None] == list(range(3, 40, 4))
    assert model.training
    selection.restore_best(model)
    assert set(model.head.linear.bias.tolist()) == {7}


def test_without_a_criterion_the_last_weights_stand(settings):
    model = Model(settings, 8)
    before = model.head.linear.bias.clone()
    selection = Selection(CRITERIA["last"](), 10)
    assert [selection.update(model, step) for step in range(10)] == [None] * 10
    selection.restore_best(model)
    assert torch.equal(model.head.linear.bias, before)


def test_the_loss_criterion_is_the_mean_loss_of_fixed_batches(stores, guided_settings):
    torch.manual_seed(0)
    model, inputs = Model(guided_settings, 8).eval(), stores.open(guided_settings)
    objective = Correlation(model)
    criterion = CRITERIA["loss"](
        inputs=inputs, settings=guided_settings, objective=objective, seed=0, labelled=None
    )
    found = criterion(model)
    with torch.no_grad():
        losses = [objective(criterion.batches(i).to(CPU), 0)["total"].item() for i in range(8)]
    assert found == pytest.approx(-np.mean(losses)) and found == criterion(model)


def labelled(root, tokens, labels, classes):
    """A validation set: tokens [M, h, w, C], labels [M, S, S]."""
    count = len(tokens)
    crops = Writer(root / "crops.zarr", count, {"labels": Array(labels.shape[1:], "uint16")}, {})
    crops.write(range(count), labels=labels)
    crops.finish()
    provenance = {"crops": Store(crops.path).fingerprint}
    features = Writer(root / "val.zarr", count, {"tokens": Array(tokens.shape[1:], "float16")}, provenance)
    features.write(range(count), tokens=tokens)
    features.finish()
    rows = [f"{i},{name},{10 * i},0,0" for i, name in enumerate(classes)]
    (root / "classes.csv").write_text("\n".join(["id,name,red,green,blue", *rows]) + "\n")
    return LabelledSplit(features.path, crops.path, root / "classes.csv")


def test_the_label_criterion_is_the_miou_of_clustered_codes(tmp_path, settings):
    rng = np.random.default_rng(0)
    kind = rng.integers(2, size=(6, 4, 4))
    tokens = np.eye(8)[kind] + 0.01 * rng.normal(size=(6, 4, 4, 8))
    labels = np.kron(kind, np.ones((3, 3), int))
    labels[0, :3] = 255
    model = Model(settings.model_copy(update={"head": "identity"}), 8)
    found = CRITERIA["labels"](seed=0, labelled=labelled(tmp_path, tokens, labels, ["a", "b"]))
    assert found(model) == 100
    labels[:] = rng.permutation(labels.ravel()).reshape(labels.shape)
    (tmp_path / "other").mkdir()
    found = CRITERIA["labels"](seed=0, labelled=labelled(tmp_path / "other", tokens, labels, ["a", "b"]))
    assert found(model) < 60


def test_selection_by_labels_needs_labels():
    with pytest.raises(DepthGError, match="labels needs labelled validation images: set it to last"):
        CRITERIA["labels"](seed=0, labelled=None)


def test_looks_are_spread_evenly_or_by_halving():
    assert list(evenly(7)) == [0, 1, 2, 3, 4, 5, 6] and list(evenly(25)) == [*range(1, 25, 2), 24]
    assert list(by_halving(1)) == [0] and list(by_halving(8)) == [0, 1, 3, 7]
    assert list(by_halving(600)) == [8, 17, 36, 74, 149, 299, 599]


class Codes(torch.nn.Module):
    """A model whose codes are told for every token."""

    def __init__(self, codes):
        super().__init__()
        self.codes = torch.nn.Parameter(codes)

    def forward(self, tokens):
        return self.codes[tokens[..., 0].long()]

    def prepared(self, tokens):
        return tokens[..., 1:]


def planted_inputs(root, kinds, images):
    """Crops [M] of 4 × 4 tokens: channel 0 the number of a token, then its kind as one of three directions."""
    count = len(kinds)
    tokens = np.concatenate([np.arange(count * 16).reshape(count, 4, 4, 1), np.eye(3)[kinds]], axis=-1)
    features = Writer(root / "features.zarr", count, {"tokens": Array((4, 4, 4), "float16")}, {})
    features.write(range(count), tokens=tokens)
    features.finish()
    arrays = {"ids": Array((1,), "int32"), "image": Array((), "int32")}
    neighbors = Writer(root / "neighbors.zarr", count, arrays, {"features": Store(features.path).fingerprint})
    neighbors.write(range(count), ids=np.zeros((count, 1)), image=images)
    neighbors.finish()
    return Inputs(TokenStore(features.path), Store(neighbors.path))


def test_stability_prefers_clusters_that_halves_agree_on_and_that_fit_the_tokens(tmp_path):
    rng = np.random.default_rng(0)
    kinds = rng.integers(3, size=(12, 4, 4))
    inputs = planted_inputs(tmp_path, kinds, np.arange(12) // 2)
    criterion = CRITERIA["stability"](inputs=inputs, seed=0, clusters=3)
    sure = np.eye(3)[kinds.ravel()]
    other = np.eye(3)[rng.permutation(kinds.ravel())]  # as stable, but of something else
    noise = rng.normal(size=(192, 3))
    scores = [criterion(Codes(torch.from_numpy(codes).float())) for codes in (sure, other, noise)]
    assert scores[0] == pytest.approx(1)
    assert abs(scores[1]) < 0.05 and scores[2] < 0.1
    assert criterion(Codes(torch.from_numpy(sure).float())) == scores[0]


def test_all_crops_of_an_image_are_in_one_half(tmp_path):
    images = np.repeat(np.arange(4), 3)
    inputs = planted_inputs(tmp_path, np.zeros((12, 4, 4), int), images)
    for half in CRITERIA["stability"](inputs=inputs, seed=1, clusters=2).splits:
        sides = half.reshape(4, -1)
        assert (sides == sides[:, :1]).all() and sides[:, 0].sum() == 2


@pytest.mark.parametrize(
    ("clusters", "images", "message"),
    [(None, np.arange(4), "set `clusters`"), (2, np.zeros(4), "there is one: add images")],
)
def test_stability_needs_clusters_and_images(tmp_path, clusters, images, message):
    inputs = planted_inputs(tmp_path, np.zeros((4, 4, 4), int), images)
    with pytest.raises(DepthGError, match=message):
        CRITERIA["stability"](inputs=inputs, seed=0, clusters=clusters)
