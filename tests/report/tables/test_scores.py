"""The Markdown table of scores."""

import json

from depthg.report.tables.scores import scores_table


def metrics(tmp_path, experiment, values, **changes):
    def score(numbers):
        mean = sum(numbers) / len(numbers)
        return {"mean": mean, "std": 1.25, "values": numbers}

    block = {"accuracy": score(values), "miou": score([value / 2 for value in values])}
    content = {
        "dataset": "demo",
        "experiment": experiment,
        "backbone": "vit",
        "depth": "exact",
        "preset": "paper",
        "seeds": list(range(len(values))),
        "n_images": 50,
        "unsupervised": block,
        "unsupervised_crf": None,
        "linear": block,
        "linear_crf": None,
        **changes,
    }
    path = tmp_path / f"{experiment}.json"
    path.write_text(json.dumps(content))
    return path


def test_mean_and_spread_of_several_seeds(tmp_path):
    text = scores_table([metrics(tmp_path, "stego", [40.0, 42.0]), metrics(tmp_path, "ours", [50.0, 53.0])])
    rows = text.splitlines()[2:]
    assert rows[2] == "| stego | 41.0 ± 1.2 / 20.5 ± 1.2 | – | 41.0 ± 1.2 / 20.5 ± 1.2 | – |"
    assert rows[3].startswith("| ours | 51.5 ± 1.2 / 25.8 ± 1.2 |")
    assert text.startswith("demo: 50 validation images, vit features, exact depth, preset paper, seeds 0, 1")


def test_the_caption_says_what_all_experiments_share(tmp_path):
    floor = metrics(tmp_path, "kmeans", [40.0], backbone="vits", depth=None)
    own = metrics(tmp_path, "auto", [50.0, 53.0], backbone="vitb")
    assert scores_table([floor, own]).startswith(
        "demo: 50 validation images, exact depth, preset paper; percent."
    )


def test_one_seed_has_no_spread(tmp_path):
    assert "| 40.0 / 20.0 |" in scores_table([metrics(tmp_path, "stego", [40.0])])
