"""From the files of the workflow to a model's folder: see depthg.inference.config for what is in it."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from depthg.config.recipe import Recipe
from depthg.data.classes import Classes, Color, read_classes
from depthg.data.clusters import FILE as CLUSTERS
from depthg.data.clusters import ClusterEntry, hexadecimal, make_clusters, names_another, read_entries
from depthg.data.records import read_images
from depthg.errors import DepthGError
from depthg.evaluation.origin import read_metrics
from depthg.evaluation.probes import load_probes
from depthg.inference import config as names
from depthg.inference.card import model_card
from depthg.inference.config import BackboneRef, ModelConfig, OutputClass, remove_model, write_config
from depthg.models.backbones import DenseBackbone
from depthg.models.checkpoint import load_model
from depthg.runtime.files import replacing
from depthg.runtime.progress import info
from depthg.runtime.provenance import provenance
from depthg.store.arrays import MARKER
from depthg.store.reader import Store

Tensors = dict[str, dict[str, torch.Tensor]]  # file of the folder → its content
SCORED = ("unsupervised", "unsupervised_crf")


def export(dataset: str, experiment: str, recipe: Recipe, seed: int, out: Path, bundle: bool = False) -> None:
    """Write the model of one seed of an experiment as a folder that stands on its own.

    Args:
        dataset, experiment: names, by which the files are found below `results` and `resources`.
        recipe: what the model was made with.
        seed: the seed.
        out: folder to write; created if missing, and a model that is in it is replaced.
        bundle: also write the backbone's weights, so that the folder needs no other file.

    Raises:
        DepthGError: the experiment was not evaluated with this seed, or a file does not fit the others; a former model
            is then left as it is.
    """
    run, shared = Path(f"results/{dataset}/{experiment}/seed{seed}"), Path(f"resources/{dataset}")
    metrics = read_metrics(run / "metrics.json")
    probes, told = run / "probes.safetensors", run.parent / CLUSTERS
    entries = _entries(told, probes, seed, recipe)
    classes, class_of = outputs_of(
        entries, metrics["matching"], read_classes(shared / "classes.csv"), str(told)
    )
    load_model(run / "model.safetensors")  # says what is wrong with it, before anything is written
    images = {split: read_images(shared / split / "images.csv") for split in ("train", "val")}
    backbone, weights = _backbone(recipe, shared, bundle)
    tensors = _axes(recipe, shared) | weights
    config = ModelConfig(
        backbone=backbone,
        stored=recipe.stored,
        side=recipe.settings.eval_size,
        resize=recipe.settings.resize,
        flip=recipe.settings.flip,
        enlarged=recipe.settings.enlarged,
        crf_channels=recipe.settings.crf_channels,
        classes=classes,
        class_of=class_of,
        typical_side=round(median(min(record.width, record.height) for record in images["train"])),
        about={
            "dataset": dataset,
            "experiment": experiment,
            "seed": seed,
            "images": {split: len(records) for split, records in images.items()},
            **_told_by(metrics),
            "settings": recipe.settings.model_dump(mode="json"),
            **provenance(),
        },
    )
    card = model_card(config)
    out.mkdir(parents=True, exist_ok=True)
    remove_model(out)  # only now, as all that may be refused was
    _copy(run / "model.safetensors", out / names.HEAD)
    _copy(probes, out / names.PROBES)
    for file, content in tensors.items():
        with replacing(out / file) as draft:
            save_file(content, draft)
    with replacing(out / names.CARD) as draft:
        draft.write_text(card)
    write_config(out, config)
    info(f"{out}: {experiment} on {dataset}, seed {seed}: {len(classes)} classes")


def _entries(told: Path, probes: Path, seed: int, recipe: Recipe) -> list[ClusterEntry]:
    """What clusters.yaml says of the clusters of a seed; nothing if the seed is not the lowest, whose they are."""
    count = len(load_probes(probes).centroids)
    if seed != min(recipe.settings.seeds) and names_another(told, probes):
        info(f"{told}: names the clusters of another seed: those of seed {seed} keep their own names")
        return [ClusterEntry()] * count
    return read_entries(told, probes, count)


def outputs_of(
    entries: Sequence[ClusterEntry], matching: Mapping[str, str | None], classes: Classes, where: str
) -> tuple[list[OutputClass], list[int]]:
    """The classes of label maps, and the class of each cluster.

    Where clusters were named or merged, the clusters that are part of no other; else, with labels, the classes of the
    data set by their ids, and after them the clusters without a class; else all clusters.

    Args:
        entries: what clusters.yaml says of each cluster.
        matching: cluster number as text → name of the class that it was matched to, or None.
        classes: the classes of the data set; empty without labels.
        where: clusters.yaml, for errors.

    Raises:
        DepthGError: the entries merge in a circle, or into a cluster that there is not.
    """
    known = dict(zip(classes.names, classes.colors, strict=True))
    matched = {int(cluster): name for cluster, name in matching.items() if name is not None}
    told = [_with_class(entry, matched.get(i), known) for i, entry in enumerate(entries)]
    clusters = make_clusters(told, where)
    own = [OutputClass(name=n, color=c) for n, c in zip(clusters.names, clusters.colors, strict=True)]
    named = any(entry != ClusterEntry() for entry in entries)
    if named or not matched:
        return [own[i] for i in clusters.kept], [clusters.kept.index(to) for to in clusters.target]
    found = [OutputClass(name=name, color=color) for name, color in known.items()]
    left = [i for i in range(len(clusters)) if i not in matched]
    places = {i: classes.names.index(name) for i, name in matched.items()}
    places |= {i: len(found) + place for place, i in enumerate(left)}
    return found + [own[i] for i in left], [places[i] for i in range(len(clusters))]


def _with_class(entry: ClusterEntry, name: str | None, known: Mapping[str, Color]) -> ClusterEntry:
    """An entry with the name and the colour of a cluster's class, where it says none itself."""
    if name is None:
        return entry
    return entry.model_copy(
        update={"name": entry.name or name, "colour": entry.colour or hexadecimal(known[name])}
    )


def _told_by(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Whether there are labels, and the scores by them."""
    scored = {name: metrics[name] for name in SCORED if metrics.get(name)}
    scores = {name: {"accuracy": own["accuracy"], "miou": own["miou"]} for name, own in scored.items()}
    return {"labelled": metrics["counts"]["pixels"] > 0, "scores": scores}


def _copy(source: Path, to: Path) -> None:
    with replacing(to) as draft:
        shutil.copyfile(source, draft)


def _axes(recipe: Recipe, shared: Path) -> Tensors:
    """The principal axes of a projected backbone; of another, nothing."""
    if recipe.settings.backbone == recipe.network:
        return {}
    axes = np.load(shared / f"train/axes/{recipe.settings.backbone}.npy")
    return {names.AXES: {"axes": torch.from_numpy(np.ascontiguousarray(axes))}}


def _backbone(recipe: Recipe, shared: Path, bundle: bool) -> tuple[BackboneRef, Tensors]:
    """The reference to the backbone, and for a bundle its weights."""
    ref = BackboneRef(
        name=recipe.network, spec=recipe.backbone, hash=_hash_of(recipe, shared), bundled=bundle
    )
    if not bundle:
        return ref, {}
    backbone = DenseBackbone(recipe.backbone, recipe.network)
    found = backbone.weights_hash()
    if ref.hash not in (None, found):
        raise DepthGError(
            f"backbone {recipe.network}: its weights are not those of the features that the model was trained on: "
            "put the former ones back, or make the features and the model again"
        )
    weights = {key: value.contiguous() for key, value in backbone.net.state_dict().items()}
    return ref.model_copy(update={"hash": found}), {names.BACKBONE: weights}


def _hash_of(recipe: Recipe, shared: Path) -> str | None:
    """The hash of the weights that made the stored features; None if those are not here, or not complete."""
    path = shared / f"val/features/{recipe.network}.zarr"
    return Store(path).provenance.get("weights") if (path / MARKER).is_file() else None
