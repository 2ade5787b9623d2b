import json

import numpy as np
import pytest
import torch

from depthg.config.settings import ClusterSettings, EvaluateSettings
from depthg.data.classes import Classes
from depthg.errors import DepthGError
from depthg.evaluation.evaluate import evaluate
from depthg.evaluation.metrics import confusion, score
from depthg.evaluation.predict import upsample
from depthg.evaluation.probes import fit_probes
from depthg.evaluation.scores import BLOCKS, ConfusionCounts
from depthg.evaluation.training import TrainingSplit
from depthg.models.checkpoint import load_model, save_model
from depthg.store.reader import Store

USUAL = [name for name in BLOCKS if not name.startswith("train")]


def run(planted, name: str = "seed0", workers: int = 1, fit: dict | None = None, **settings) -> dict:
    """Fit probes, evaluate, and return the metrics."""
    out = planted.root / name
    quick = ClusterSettings(cluster_samples=500, linear_steps=15, linear_batch=6, linear_rate=0.1)
    train = planted.features("train"), planted.crops("train"), planted.classes, planted.model
    fit_probes(*train, out / "probes.safetensors", quick.model_copy(update=fit or {}), 0)
    val = planted.features("val"), planted.crops("val"), planted.classes, planted.model
    chosen = EvaluateSettings(**{"pictures": 2, **settings})
    mirrored = planted.mirrored("val") if planted.mirrored("val").exists() else None
    evaluate(*val, out / "probes.safetensors", out, chosen, workers, TrainingSplit(*train[:2]), mirrored)
    return json.loads((out / "metrics.json").read_text())


def test_planted_classes_are_found(planted):
    metrics = run(planted)
    assert USUAL[:4] == ["unsupervised", "unsupervised_crf", "linear", "linear_crf"]
    assert list(metrics) == [*USUAL, "reasons", "matching", "counts", "made_from"]
    assert metrics["reasons"] == {}
    # Upsampling from 8 to 32 pixels rounds corners of the quadrants; nothing else is wrong.
    assert all(metrics[block]["accuracy"] > 97 for block in USUAL)
    assert all(metrics[block]["miou"] > 93 for block in USUAL)
    assert sorted(metrics["matching"].values()) == ["road", "sky", "tree"]
    assert metrics["counts"] == {"images": 5, "pixels": 5 * (planted.side - 2) * planted.side}
    assert list(metrics["linear"]["per_class"]) == ["road", "sky", "tree"]


def test_workers_change_nothing(planted):
    run(planted, "one", workers=1)
    run(planted, "two", workers=2)
    for file in ("metrics.json", "predictions.npz"):
        assert (planted.root / "one" / file).read_bytes() == (planted.root / "two" / file).read_bytes()


def test_pictures_are_matched_predictions_of_even_crops(planted):
    run(planted, pictures=3)
    crops = Store(planted.crops("val"))
    with np.load(planted.root / "seed0" / "predictions.npz") as shown:
        assert shown["crops"].tolist() == [0, 2, 4]
        assert shown["matched"]
        assert np.array_equal(shown["images"], crops.read("images", [0, 2, 4]))
        assert np.array_equal(shown["labels"], crops.read("labels", [0, 2, 4]))
        valid = shown["labels"] != 255
        for key in ("predictions", "refined"):
            assert (shown[key] == shown["labels"])[valid].mean() > 0.95


def test_without_labels_scores_are_null_and_pictures_are_made(planted):
    planted.forget_labels()
    metrics = run(planted, fit={"clusters": 4})
    assert [metrics[block] for block in USUAL] == [None] * 6
    assert metrics["reasons"] == dict.fromkeys(USUAL, "no labels")
    assert metrics["matching"] == {}
    with np.load(planted.root / "seed0" / "predictions.npz") as shown:
        assert not shown["matched"]
        assert shown["refined"].shape == (2, planted.side, planted.side)
        assert shown["predictions"].max() <= 3


def test_crf_off(planted):
    metrics = run(planted, crf=False)
    refined = ("unsupervised_crf", "linear_crf", "many_to_one_crf")
    assert metrics["reasons"] == dict.fromkeys(refined, "crf is off")
    assert metrics["linear_crf"] is None
    assert metrics["linear"]["accuracy"] > 95
    with np.load(planted.root / "seed0" / "predictions.npz") as shown:
        assert "refined" not in shown


def test_no_linear_probe(planted):
    metrics = run(planted, fit={"linear_steps": 0})
    assert set(metrics["reasons"]) == {"linear", "linear_crf"}
    assert metrics["unsupervised"] is not None


def test_validation_without_a_labelled_pixel(planted):
    planted.plant("val", np.full((2, planted.side, planted.side), 255))
    metrics = run(planted, crf=False)
    assert metrics["reasons"]["unsupervised"] == "no labelled pixel in the validation crops"
    assert metrics["unsupervised"] is None


def test_more_clusters_than_classes(planted):
    metrics = run(planted, fit={"clusters": 4}, crf=False, matching="train")
    assert sorted(metrics["matching"].values(), key=str) == [None, "road", "sky", "tree"]
    for one_to_one in ("unsupervised", "train_matched"):
        assert metrics[one_to_one]["accuracy"] < metrics["linear"]["accuracy"]
    for many_to_one in ("many_to_one", "train_many_to_one"):
        assert metrics[many_to_one]["accuracy"] > 97 and metrics[many_to_one]["miou"] > 93


def test_matched_by_training_labels(planted):
    usual = run(planted, "usual")
    metrics = run(planted, matching="train")
    assert list(metrics) == [*BLOCKS, "reasons", "matching", "counts", "made_from"]
    assert metrics["reasons"] == {}
    assert metrics.pop("made_from") != usual.pop("made_from")
    assert metrics.items() >= usual.items()  # beside the others, which stay as they are
    assert all(metrics[name]["accuracy"] > 97 for name in BLOCKS)  # the classes look alike in both splits


def test_matched_by_training_labels_that_are_not_there(planted):
    planted.plant("train", np.full((3, planted.side, planted.side), 255))
    with pytest.raises(
        DepthGError, match=r"train.crops\.zarr: no labelled pixel in 3 training crops: .*matching"
    ):
        run(planted, matching="train")


def test_released_leaves_surplus_clusters_out_of_the_counts():
    """Three classes, two more clusters: what has an id of 3 or 4 does not count, whatever it is matched to."""
    classes = Classes(("road", "sky", "tree"), ((0, 0, 0),) * 3, ("",) * 3)
    rng = np.random.default_rng(0)
    label, found = rng.integers(3, size=(60, 60)), rng.integers(5, size=(60, 60))
    strict, lax = (ConfusionCounts(5, classes, False, surplus) for surplus in ("wrong", "left_out"))
    for counts in (strict, lax):
        counts.add({"unsupervised": found}, label)
    kept = found < 3
    by_hand = confusion(found[kept], label[kept], 5, 3)
    np.testing.assert_array_equal(lax.counted("unsupervised"), by_hand)
    assert lax.block("unsupervised") != strict.block("unsupervised")
    assert lax.pixels == kept.sum() < strict.pixels
    assert lax.block("many_to_one") == strict.block("many_to_one")


@pytest.mark.parametrize("surplus", ["wrong", "left_out"])
def test_the_accuracy_of_a_single_image_is_that_of_the_scores(planted, surplus):
    planted.plant("val", np.array([[[0, 1], [2, 0]]]).repeat(16, 1).repeat(16, 2))
    metrics = run(planted, fit={"clusters": 5}, crf=False, surplus_clusters=surplus)
    with np.load(planted.root / "seed0" / "worst.npz") as worst:
        assert worst["accuracies"][0] == pytest.approx(metrics["unsupervised"]["accuracy"], abs=1e-3)


def test_of_symmetric_tokens_the_mirror_image_changes_nothing(planted):
    half = planted.labels(5)[:, :, : planted.side // 2]
    planted.plant("val", np.concatenate([half, half[:, :, ::-1]], axis=2))
    tokens = Store(planted.features("val")).read("tokens")
    tokens[:, :, planted.grid // 2 :] = tokens[:, :, planted.grid // 2 - 1 :: -1]
    planted.plant_features("val", tokens)
    planted.plant_mirrored("val", tokens[:, :, ::-1].copy())  # of a symmetric image, as by a backbone that is
    plain, flipped = run(planted, "plain"), run(planted, "flipped", flip=True)
    assert flipped.pop("made_from") != plain.pop("made_from")
    assert flipped == plain
    for file in ("predictions.npz", "worst.npz"):
        assert (planted.root / "plain" / file).read_bytes() == (planted.root / "flipped" / file).read_bytes()


def test_noise_that_the_mirror_image_lacks_is_halved_everywhere(planted):
    """With tokens of noise alone the classes are those of the mirrored crops, in scores of all probes and pictures."""
    tokens = Store(planted.features("val")).read("tokens")
    noise = np.random.default_rng(1).normal(size=tokens.shape).astype(np.float16)
    planted.plant_features("val", noise)
    planted.plant_mirrored("val", 2 * tokens - noise)
    flipped, plain = run(planted, "flipped", flip=True), run(planted, "plain")
    for block in ("unsupervised", "unsupervised_crf", "linear", "linear_crf"):
        assert flipped[block]["accuracy"] > 95 and plain[block]["accuracy"] < 70
    with np.load(planted.root / "flipped" / "predictions.npz") as shown:
        valid = shown["labels"] != 255
        assert (shown["predictions"] == shown["labels"])[valid].mean() > 0.95


def test_flip_without_the_mirrored_features_is_one_line(planted):
    with pytest.raises(DepthGError, match="give --mirrored"):
        run(planted, flip=True)


def test_among_enlarged_codes_a_long_one_reaches_farther(planted):
    """Cosines at tokens do not know lengths, and a linear probe gives the same either way."""
    tokens = Store(planted.features("val")).read("tokens")
    plain = run(planted, "plain", crf=False)
    planted.plant_features("val", tokens * np.where(tokens[..., :1] > 1.5, 4, 1).astype(np.float16))
    logits, codes = run(planted, "logits", crf=False), run(planted, "codes", crf=False, enlarged="codes")
    assert logits["unsupervised"] == plain["unsupervised"] and logits["linear"] == codes["linear"]
    assert 80 < codes["unsupervised"]["accuracy"] < logits["unsupervised"]["accuracy"] - 1


def test_no_pictures(planted):
    assert run(planted, pictures=0, crf=False)["unsupervised"] is not None
    with np.load(planted.root / "seed0" / "predictions.npz") as shown:
        assert len(shown["crops"]) == len(shown["images"]) == 0


def test_a_label_beyond_the_classes_is_named(planted):
    planted.plant("val", np.full((2, planted.side, planted.side), 3))
    with pytest.raises(DepthGError, match="label 3 is neither"):
        run(planted, crf=False)


def test_upsampling_keeps_rows_and_columns_apart():
    logits = torch.tensor([0.0, 0, 1, 1])[:, None]  # two rows, two columns; the lower row is 1
    upsampled = upsample(logits, (2, 2), (4, 6))
    assert torch.allclose(upsampled[0], torch.tensor([0.0, 0.25, 0.75, 1.0])[:, None].expand(4, 6))


def test_worst_images_with_their_accuracies(planted):
    crops = Store(planted.crops("val"))
    run(planted, pictures=2)
    with np.load(planted.root / "seed0" / "worst.npz") as shown:
        assert shown["accuracies"].shape == (5,)
        assert shown["accuracy"].tolist() == sorted(shown["accuracies"].tolist())[:2]
        assert shown["accuracies"][shown["crops"]].tolist() == shown["accuracy"].tolist()
        labels = crops.read("labels", shown["crops"].tolist())
        right = [
            (maps == label)[label != 255].mean() for maps, label in zip(shown["refined"], labels, strict=True)
        ]
        assert np.allclose(np.array(right) * 100, shown["accuracy"])


def test_best_images_are_those_of_highest_accuracy(planted):
    run(planted, pictures=2, crf=False)
    with np.load(planted.root / "seed0" / "best.npz") as shown:
        assert shown["accuracy"].tolist() == sorted(shown["accuracies"].tolist())[:-3:-1]


def test_the_confusion_of_all_images_lies_beside_the_pictures(planted):
    metrics = run(planted, pictures=1)
    with np.load(planted.root / "seed0" / "predictions.npz") as shown:
        counts, matching = shown["confusion"], shown["matching"]
    assert counts.sum() == metrics["counts"]["pixels"]
    assert score(counts, matching).miou == pytest.approx(metrics["unsupervised_crf"]["miou"], abs=1e-3)


def test_accuracies_of_images_add_up_to_that_of_the_set(planted):
    metrics = run(planted, crf=False)
    with np.load(planted.root / "seed0" / "worst.npz") as shown:  # as many labelled pixels in each
        assert shown["accuracies"].mean() == pytest.approx(metrics["unsupervised"]["accuracy"], abs=1e-3)


def test_without_labels_none_is_the_worst(planted):
    planted.forget_labels()
    run(planted, fit={"clusters": 4}, crf=False)
    for file in ("worst.npz", "best.npz"):
        with np.load(planted.root / "seed0" / file) as shown:
            assert len(shown["crops"]) == len(shown["accuracies"]) == 0


def renewed(planted, **made_from) -> None:
    """Save the model as one that was made from something else."""
    model = load_model(planted.model)
    model.made_from = made_from
    save_model(model, planted.model)


def check_refused(planted, file: str, what: str) -> None:
    with pytest.raises(
        DepthGError, match=rf"{file}\.safetensors was made from another {what} than"
    ) as caught:
        run(planted)
    assert "--force" in str(caught.value) and "\n" not in str(caught.value)


def test_probes_of_another_model_are_refused(planted):
    run(planted)
    renewed(planted, seed=7)
    val = planted.features("val"), planted.crops("val"), planted.classes, planted.model
    folder = planted.root / "seed0"
    with pytest.raises(DepthGError, match=r"probes\.safetensors was made from another model than"):
        evaluate(*val, folder / "probes.safetensors", folder, EvaluateSettings(), 1)


def test_a_model_of_other_training_features_is_refused(planted):
    renewed(planted, features="another")
    check_refused(planted, "model", "features")


def test_validation_features_of_another_backbone_are_refused(planted, write_store):
    features = Store(planted.features("val"))
    tokens, crops = features.read("tokens"), features.provenance["crops"]
    write_store(features.path, {"tokens": tokens}, crops=crops, weights="other")
    renewed(planted, backbone="own")
    check_refused(planted, "model", "backbone")
