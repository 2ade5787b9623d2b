import json
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from depthg.config.settings import Term, TrainSettings
from depthg.errors import DepthGError
from depthg.models.checkpoint import Model, load_model
from depthg.store.lock import Lock
from depthg.training import loop
from depthg.training.batches import Batches
from depthg.training.criteria import LabelledSplit
from depthg.training.history import History
from depthg.training.inputs import open_inputs
from depthg.training.loop import step_seed, train
from depthg.training.objective import OBJECTIVES
from tests.training.conftest import write


@pytest.fixture
def run(stores, tmp_path):
    def run(settings, seed=0, name="out", **more):
        out = tmp_path / name
        train(stores.features, stores.neighbors, out, settings, seed, geometry=stores.geometry, **more)
        return tmp_path / name

    return run


def labelled_crops(root, seed):
    """Three validation crops of 3 × 3 tokens of two kinds, and labels drawn without a look at them."""
    rng, root = np.random.default_rng(seed), Path(root)
    labels = rng.integers(2, size=(3, 6, 6)).astype(np.uint16)
    tokens = np.eye(8, dtype=np.float16)[rng.integers(2, size=(3, 3, 3))]
    crops = write(root / "crops.zarr", {"seed": seed}, labels=labels)
    write(root / "features.zarr", {"crops": crops.fingerprint}, tokens=tokens)
    (root / "classes.csv").write_text("id,name,red,green,blue\n0,a,0,0,0\n1,b,1,1,1\n")
    return LabelledSplit(root / "features.zarr", root / "crops.zarr", root / "classes.csv")


def history(out):
    return [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]


def test_what_a_training_leaves(run, guided_settings):
    out = run(guided_settings, seed=3)
    assert {path.name for path in out.iterdir()} == {"model.safetensors", "history.jsonl", "config.yaml"}
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert TrainSettings(**config["settings"]) == guided_settings
    assert config["seed"] == 3 and config["versions"]["torch"]
    assert set(config["inputs"]) == {"features", "neighbors", "geometry"}
    assert load_model(out / "model.safetensors", channels=8).settings == guided_settings


def test_history_holds_every_term(run, guided_settings):
    settings = guided_settings.model_copy(update={"steps": 13, "depth_every": 6})
    lines = history(run(settings))
    assert [line["step"] for line in lines] == [0, 10, 12]
    assert set(lines[0]) == {
        *("step", "total", "self", "knn", "random", "depth", "lhp", "lambda_depth", "learning_rate")
    }
    assert [line["lambda_depth"] for line in lines] == pytest.approx([0.19, 0.19 * 0.6, 0.19 * 0.36])


def test_projection_and_head_are_trained(run, guided_settings):
    trained = load_file(run(guided_settings) / "model.safetensors")
    torch.manual_seed(0)
    fresh = Model(guided_settings, 8).state_dict()
    assert trained.keys() == fresh.keys()
    assert any(name.startswith("projection") for name in trained)
    assert not any(torch.equal(trained[name], fresh[name]) for name in trained)


def test_the_loss_falls(run, settings):
    lines = history(run(settings.model_copy(update={"steps": 121, "dropout": 0.0})))
    assert lines[-1]["total"] < lines[0]["total"] - 0.02


def test_same_seed_same_bytes_and_another_seed_another_model(run, guided_settings):
    one, same, other = (run(guided_settings, seed, str(i)) for i, seed in enumerate((0, 0, 1)))
    for name in ("model.safetensors", "history.jsonl", "config.yaml"):
        assert (one / name).read_bytes() == (same / name).read_bytes()
        assert (one / name).read_bytes() != (other / name).read_bytes()


@pytest.mark.parametrize(
    ("killed", "update"),
    [
        (4, {}),
        (7, {}),
        (7, {"selection": "loss", "codebook": True, "steps": 20}),
        (7, {"selection": "stability", "codes": "joined", "steps": 20}),
    ],
)
def test_a_killed_run_resumes_to_the_same_result(run, guided_settings, monkeypatch, killed, update):
    settings = guided_settings.model_copy(update=update)
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    monkeypatch.setattr("depthg.training.history.HISTORY_EVERY", 2)
    whole = run(settings, name="whole", clusters=3)
    taken, add = [], History.add

    def dying(self, step, losses):
        taken.append(step)
        if step == killed and taken.count(step) == 1:
            raise KeyboardInterrupt
        add(self, step, losses)

    monkeypatch.setattr(History, "add", dying)
    with pytest.raises(KeyboardInterrupt):
        run(settings, name="parts", clusters=3)
    parts = whole.with_name("parts")
    assert (parts / "checkpoint.pt").is_file() and not (parts / "model.safetensors").exists()
    (parts / "history.jsonl").unlink()  # as Snakemake does with the outputs of a failed job
    run(settings, name="parts", clusters=3)
    assert taken.count(1) == 1  # it went on from the checkpoint, not from the start
    for name in ("model.safetensors", "history.jsonl"):
        assert (parts / name).read_bytes() == (whole / name).read_bytes()
    assert not (parts / "checkpoint.pt").exists()


def test_the_checkpoint_of_other_settings_is_not_taken_up(run, settings, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    whole = run(settings, name="whole")
    rate = settings.model_copy(update={"learning_rate": 1e-2})
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_model", lambda model, path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(rate, name="other")
    run(settings, name="other")
    model = "model.safetensors"
    assert (whole.with_name("other") / model).read_bytes() == (whole / model).read_bytes()


@pytest.mark.parametrize("kept", [0, 1, 200, -40])
def test_a_checkpoint_that_was_not_written_whole_is_no_obstacle(run, settings, monkeypatch, capsys, kept):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    whole = run(settings, name="whole")
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_model", lambda model, path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(settings, name="other")
    checkpoint = whole.with_name("other") / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:kept])
    run(settings, name="other")
    assert "damaged: training begins again at step 0" in capsys.readouterr().out
    model = "model.safetensors"
    assert (whole.with_name("other") / model).read_bytes() == (whole / model).read_bytes()


def test_a_second_training_of_the_same_model_is_refused(run, settings, tmp_path):
    out = run(settings, name="one")
    lock = Lock(out / "training.lock", out)
    with pytest.raises(DepthGError, match=r"model\.safetensors is being written by process"):
        run(settings, name="one")
    lock.release()


def test_no_steps_of_a_head_without_weights(run):
    out = run(TrainSettings(head="identity", steps=0))
    assert load_model(out / "model.safetensors").code_dim == 8
    assert not load_file(out / "model.safetensors")
    assert history(out) == []


def test_a_loss_that_is_not_finite(run, settings):
    terms = {**settings.terms, "random": Term(weight=0.7, shift=float("inf"))}
    with pytest.raises(DepthGError, match="step 0: the loss term random is not finite"):
        run(settings.model_copy(update={"terms": terms}))


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"head": "identity"}, "nothing to train: set steps to 0"),
        ({"terms": {"self": Term(weight=0, shift=0)}}, "every weight is 0"),
    ],
)
def test_settings_that_cannot_be_trained(run, settings, update, message):
    with pytest.raises(DepthGError, match=message):
        run(settings.model_copy(update=update))


def test_an_untrained_projection_stays_as_it_was_drawn(run, guided_settings):
    settings = guided_settings.model_copy(update={"projection": "untrained"})
    trained = load_file(run(settings) / "model.safetensors")
    torch.manual_seed(0)
    fresh = Model(settings, 8).state_dict()
    for name, weight in trained.items():
        assert torch.equal(weight, fresh[name]) == name.startswith("projection")


def test_the_checkpoint_of_another_number_of_clusters_is_not_taken_up(run, settings, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    settings = settings.model_copy(update={"codebook": True})
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_model", lambda model, path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(settings, name="other", clusters=2)
    found, whole = (
        load_file(run(settings, name=name, clusters=3) / "model.safetensors") for name in ("other", "whole")
    )
    assert all(torch.equal(found[name], whole[name]) for name in whole)


def test_the_checkpoint_of_other_validation_labels_is_not_taken_up(
    run, stores, settings, tmp_path, monkeypatch
):
    """As its best score so far is by those."""
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    settings = settings.model_copy(update={"selection": "labels"})
    one, other = (labelled_crops(tmp_path / name, seed) for seed, name in enumerate(("one", "other")))
    with monkeypatch.context() as patch:
        patch.setattr(loop, "save_model", lambda model, path: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(settings, name="cut", labelled=one)
    cut, whole = (history(run(settings, name=name, labelled=other)) for name in ("cut", "whole"))
    assert cut == whole and cut[0]["score"] != history(run(settings, labelled=one))[0]["score"]


def test_released_steps_are_a_third_as_many_batches(run, settings):
    lines = history(run(settings.model_copy(update={"step_unit": "optimizers", "steps": 7})))
    assert lines[-1]["step"] == 2
    assert TrainSettings(steps=7000, step_unit="optimizers").batches == 2334


def test_a_codebook_learns_beside_the_head_and_leaves_it_alone(run, settings):
    with_it = run(settings.model_copy(update={"codebook": True}), name="with", clusters=3)
    weights = load_file(with_it / "model.safetensors")
    assert weights.pop("codebook.centroids").shape == (3, 4)
    without = load_file(run(settings, name="without") / "model.safetensors")
    assert all(torch.equal(weights[name], without[name]) for name in without)
    assert load_model(with_it / "model.safetensors").codebook is not None
    lines = history(
        run(settings.model_copy(update={"codebook": True, "steps": 200}), name="long", clusters=3)
    )
    assert lines[-1]["codebook"] < lines[0]["codebook"] - 0.1
    with pytest.raises(DepthGError, match="how many clusters is open"):
        run(settings.model_copy(update={"codebook": True}), clusters=0)


def test_gradients_are_clipped(run, settings):
    clipped = settings.model_copy(update={"clip": 1e-12, "steps": 1, "learning_rate": 1e-3})
    torch.manual_seed(0)
    fresh = Model(clipped, 8).state_dict()
    trained = load_file(run(clipped) / "model.safetensors")
    # Adam's first step is lr · g / (|g| + 1e-8): whole for any gradient but one that was cut to nothing.
    assert max((trained[name] - fresh[name]).abs().max() for name in fresh) < 1e-6


def test_seeds_of_steps_are_all_different():
    seeds = {step_seed(seed, step) for seed in range(5) for step in range(100)}
    assert len(seeds) == 500 and max(seeds) < 2**64


def test_nothing_is_kept_of_a_run_whose_loss_is_no_longer_finite(run, settings, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 3)
    call, seen = OBJECTIVES["correlation"], []

    def broken(*arguments):
        objective = call(*arguments)

        def losses(batch, step):
            seen.append(step)
            return {name: loss / (step != 4) for name, loss in objective(batch, step).items()}

        losses.state_dict, losses.load_state_dict = objective.state_dict, objective.load_state_dict
        return losses

    monkeypatch.setitem(OBJECTIVES, "correlation", broken)
    with pytest.raises(DepthGError, match=r"step 4: the loss term \w+ is not finite"):
        run(settings)
    assert seen[-1] == 5  # it was looked at before the checkpoint after step 5
    with pytest.raises(DepthGError, match="step 4: the loss term"):
        run(settings)
    assert seen[6:] == [3, 4, 5]  # the one after step 2 stands


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"sampling": "fps", "depth_loss": "product", "lhp": "depth"},
        {"sampling": "fps", "depth_loss": "product", "lhp": "depth", "mixing": "released", "clip": 1.0},
        {"depth_loss": "similarity_3d", "depth_pairs": "sibling", "depth_centring": True},
        {"sampling": "continuous", "negatives_at": "neighbor", "depth_loss": "product", "lhp": "depth"},
        {"depth_loss": "product", "depth_norm": "channel", "depth_at": "grid", "codebook": True},
        {"objective": "hidden_positives", "sampling": "full", "hidden_positives": {"pool": 16, "warm_up": 0}},
    ],
    ids=["stego", "ours_3dlhp", "released", "sibling", "continuous", "codebook", "hidden_positives"],
)
def test_a_step_asks_a_device_for_no_value(stores, settings, update):
    """On the meta device tensors have no values: what would make the host wait for a GPU's is an error there."""
    settings = TrainSettings(**{**settings.model_dump(), **update})
    paths = {"geometry": stores.geometry, "view": stores.features}  # a view that changes nothing
    meta, inputs = torch.device("meta"), open_inputs(stores.features, stores.neighbors, settings, **paths)
    model = Model(settings, inputs.channels, clusters=3 if settings.codebook else None).to(meta)
    objective, optimizer = OBJECTIVES[settings.objective](model, inputs, 0), loop._optimizer(model)
    for step in range(2):
        losses = objective(Batches(inputs, settings, 0)(step).to(meta), step)
        loop._optimizer_step(losses["total"], model, optimizer)
    with pytest.raises(RuntimeError, match="meta"):
        losses["total"].item()
