"""How label-free criteria rank trained models, beside how labels do.

    python -m benchmarks.criteria --backbone demo_vit8 results/demo/stego+*

For experiments of one data set that were made with seed 0 and `flip: true`, each a setting: shifts, length, whatever
their names say. Each criterion looks at the weights as `selection` would; then its ranks are compared with those of
mIoU without CRF, by Spearman's correlation; of settings that differ in their `steps` alone, it chooses one.

- agreement: of clusters that halves of the images make (adjusted Rand index); fit: of these clusters to the tokens.
  `selection: stability` is agreement · fit².
- loss: on batches of their own (`selection: loss`), which knows the shifts of its setting.
- mirror: agreement of the clusters in an image and in its mirror image, of validation images (adjusted Rand index).
- cosines: correlation of those of codes with those of tokens, over pairs.
- short: the shorter the training the better.
"""

import argparse
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score

from depthg.evaluation.codes import encode
from depthg.evaluation.probes import load_probes
from depthg.models.checkpoint import Model, load_model
from depthg.store.reader import Store
from depthg.store.tokens import TokenStore
from depthg.training.criteria import LossCriterion
from depthg.training.inputs import Inputs, open_inputs
from depthg.training.objective import OBJECTIVES
from depthg.training.stability import StabilityCriterion

SEED = 0
BATCH = 16
CRITERIA = ("agreement", "fit", "agreement · fit", "agreement · fit²", "loss", "mirror", "cosines", "short")


@dataclass(frozen=True)
class Stores:
    """The stores of a data set that criteria read.

    Attributes:
        folder: resources/{dataset}.
        backbone: whose features they are.
    """

    folder: Path
    backbone: str

    def training(self, model: Model) -> Inputs:
        """The training crops, as the settings of a model need them."""
        of_training = {name: self._path("train", name) for name in ("features", "neighbors", "mean")}
        return open_inputs(settings=model.settings, **of_training)

    @cached_property
    def views(self) -> tuple[Store, Store]:
        """Validation tokens of images, and of mirror images, mirrored back."""
        return TokenStore(self._path("val", "features")), TokenStore(self._path("val", "mirrored"))

    def _path(self, split: str, kind: str) -> Path:
        return self.folder / split / kind / f"{self.backbone}.zarr"


def judged(run: Path, stores: Stores) -> dict[str, float]:
    """The value of each criterion for a run's weights; higher is better."""
    model = load_model(run / "model.safetensors")
    centroids = load_probes(run / "probes.safetensors").centroids
    inputs = stores.training(model)
    found = by_halves(StabilityCriterion(inputs, SEED, len(centroids)), model)
    objective = OBJECTIVES[model.settings.objective](model, inputs, SEED)
    loss = LossCriterion(inputs, model.settings, objective, SEED)(model)
    mirror = mirrored_agreement(stores.views, model, centroids)
    return {**found, "loss": loss, "mirror": mirror, "short": -float(model.settings.steps)}


def by_halves(criterion: StabilityCriterion, model: Model) -> dict[str, float]:
    """What halves of the images say: the parts of `selection: stability`, and the correlation of cosines."""
    codes, cosines = criterion.look(model)
    clusters = criterion.clusters
    found = [criterion.agreement_and_fit(codes, cosines, half, clusters) for half in criterion.splits]
    compared = codes[torch.from_numpy(criterion.pairs)]
    of_codes = (compared @ compared.T).numpy().ravel()
    agreement, fit = np.mean(found, 0)
    return {
        "agreement": agreement,
        "fit": fit,
        "agreement · fit": np.mean([a * f for a, f in found]),
        "agreement · fit²": np.mean([a * f**2 for a, f in found]),
        "cosines": np.corrcoef(of_codes, cosines.numpy().ravel())[0, 1],
    }


def mirrored_agreement(views: tuple[Store, Store], model: Model, centroids: torch.Tensor) -> float:
    """Adjusted Rand index of the clusters of tokens, seen in images and in their mirror images."""
    clusters: list[list[np.ndarray]] = [[], []]
    for start in range(0, len(views[0]), BATCH):
        rows = range(start, min(start + BATCH, len(views[0])))
        for ids, view in zip(clusters, views, strict=True):
            tokens = view.read("tokens", rows)
            codes = encode(model, tokens.reshape(len(tokens), -1, tokens.shape[-1]))
            ids.append((codes @ centroids.T).argmax(-1).numpy().ravel())
    own, mirrored = (np.concatenate(ids) for ids in clusters)
    return float(adjusted_rand_score(own, mirrored))


def miou_of(run: Path) -> float:
    """Percent, without CRF."""
    return json.loads((run / "metrics.json").read_text())["unsupervised"]["miou"]


def table(values: Mapping[str, Mapping[str, float]], scores: Mapping[str, float]) -> str:
    """Markdown: rank correlation of each criterion with the scores, and the scores of the lengths that it chooses.

    Args:
        values: setting → criterion → value.
        scores: setting → mIoU.
    """
    settings, trainings = list(values), alike_but_for_length(values)
    of_labels = [scores[setting] for setting in settings]
    best = np.mean([max(scores[name] for name in names) for names in trainings])
    last = np.mean([scores[min(names, key=lambda name: values[name]["short"])] for names in trainings])
    lines = [
        f"{len(settings)} settings, mIoU {min(of_labels):.1f} to {max(of_labels):.1f}. Of the lengths of each training "
        f"the best has {best:.1f} on average, the longest {last:.1f}.",
        "",
        "| criterion | rank correlation | mIoU of the lengths that it chooses |",
        "|---|---|---|",
    ]
    for criterion in CRITERIA:
        rho = spearmanr([values[setting][criterion] for setting in settings], of_labels).statistic
        chosen = [max(names, key=lambda name: values[name][criterion]) for names in trainings]
        mean = np.mean([scores[name] for name in chosen])
        lines.append(f"| {criterion} | {rho:+.2f} | {mean:.1f} |".replace("-", "−"))
    return "\n".join(lines)


def alike_but_for_length(settings: Iterable[str]) -> list[list[str]]:
    """The settings in groups that differ in their `steps` alone."""
    groups: dict[str, list[str]] = {}
    for setting in settings:
        groups.setdefault(re.sub(r"\+steps=\d+", "", setting), []).append(setting)
    return list(groups.values())


def main() -> None:
    """Judge the experiments, and print each and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("experiments", type=Path, nargs="+", help="folders results/{dataset}/{experiment}")
    parser.add_argument("--backbone", required=True, help="whose features they were trained on")
    options = parser.parse_args()
    stores = Stores(Path("resources") / options.experiments[0].parent.name, options.backbone)
    values, scores = {}, {}
    for experiment in options.experiments:
        run = experiment / f"seed{SEED}"
        values[experiment.name], scores[experiment.name] = judged(run, stores), miou_of(run)
        shown = ", ".join(f"{name} {value:.3f}" for name, value in values[experiment.name].items())
        print(f"{experiment.name}: {scores[experiment.name]:.1f}; {shown}", flush=True)
    print(table(values, scores))


if __name__ == "__main__":
    main()
