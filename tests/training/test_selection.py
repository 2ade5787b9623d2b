import numpy as np
import pytest
import torch

from depthg.errors import DepthGError
from depthg.models.checkpoint import Model
from depthg.store.arrays import Array
from depthg.store.reader import Store
from depthg.store.writer import Writer
from depthg.training.objective import Correlation
from depthg.training.selection import CRITERIA, LabelledSplit, Selection

CPU = torch.device("cpu")


class Scripted:
    """A criterion that says what it was told to, and marks the weights it saw."""

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
