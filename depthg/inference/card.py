"""The model card: what a model is, how it was made, what was chosen without labels, what it cannot do, licences."""

from typing import Any

from depthg.config.sections import Backbone
from depthg.inference.config import ModelConfig

OWN = "depthg/weights/"  # weights that come with the package, under its own licence
CARD = """\
---
library_name: depthg
pipeline_tag: image-segmentation
tags:
- unsupervised
- semantic-segmentation
- depthg
---

# {experiment} on {dataset}

A model that segments images without having seen a label, made by [depthg](https://arxiv.org/abs/2309.12378) \
(DepthG, CVPR 2024).

```bash
depthg segment IMAGES --model FOLDER --out masks
```

```python
from depthg import Segmenter

found = Segmenter.from_pretrained("FOLDER")("photo.jpg")
found.labels, found.names, found.probabilities
```

## Classes

| id | name | colour | clusters |
|---|---|---|---|
{classes}

## Data and making

{making}

## Scores

{scores}

## What was chosen without labels

{choices}

## Limits

- Clusters are what the backbone tells apart in these images; nobody said that they are the classes you need. Look at
  the overlays before you count areas.
- Images of another kind (night, aerial, medical) than the training images may fall into any cluster.
- A region smaller than a token is lost; borders are as sharp as the image's colours allow.
- It was trained without labels{named}; it is no measuring instrument, and not for decisions about people.

## Licences

{licences}
"""


def model_card(config: ModelConfig) -> str:
    """README.md of a model's folder, with the metadata that the Hugging Face hub reads."""
    about = config.about
    return CARD.format(
        experiment=about.get("experiment", "model"),
        dataset=about.get("dataset", "images"),
        classes="\n".join(_row(config, place) for place in range(len(config.classes))),
        making="\n".join(_making(config)),
        scores="\n".join(_scores(about)),
        choices="\n".join(_choices(config)),
        named=", and only its names were given by them" if about.get("labelled") else "",
        licences="\n".join(f"- {part}: {licence}" for part, licence in licences(config).items()),
    )


def licences(config: ModelConfig) -> dict[str, str]:
    """The licence of each part of a model, as far as it is known."""
    return {
        "head, centroids, code": "MIT, as depthg itself; the training images keep the rights of their owners",
        f"backbone {config.backbone.name}": backbone_licence(config.backbone.spec),
    }


def backbone_licence(spec: Backbone) -> str:
    """What timm says of the weights of a model of the hub; of a file, only whom to ask."""
    if spec.weights is not None:
        own = spec.weights.startswith(OWN)
        return "MIT, comes with depthg" if own else f"that of {spec.weights}: ask whoever made it"
    import timm  # takes a second

    licence = getattr(timm.get_pretrained_cfg(spec.model), "license", None)
    return licence or f"that of {spec.model}, which timm does not name"


def _row(config: ModelConfig, place: int) -> str:
    one = config.classes[place]
    clusters = " ".join(str(cluster) for cluster, of in enumerate(config.class_of) if of == place)
    name = one.name.replace("|", "\\|")
    return f"| {place} | {name} | #{''.join(f'{channel:02x}' for channel in one.color)} | {clusters or '–'} |"


def _making(config: ModelConfig) -> list[str]:
    about, settings = config.about, config.about.get("settings", {})
    images = about.get("images", {})
    shown = ", ".join(f"{count:,} {split}" for split, count in images.items()) or "unknown"
    versions = about.get("versions", {})
    return [
        f"- Images: data set `{about.get('dataset')}`: {shown}; median short side {config.typical_side} px.",
        f"- Backbone: `{config.backbone.name}` ({config.backbone.spec.model}), frozen; " + _where(config),
        f"- Head: {settings.get('steps')} steps, seed {about.get('seed')}, tokens {settings.get('tokens')}, "
        f"codes {settings.get('codes')}, {len(config.class_of)} clusters.",
        f"- Applied to windows of {config.side} px, half overlapping"
        + (", averaged with their mirror images" if config.flip else "")
        + f"; enlarged: {config.enlarged}. No depth is needed.",
        f"- depthg {versions.get('depthg')}, torch {versions.get('torch')}, commit {about.get('git_commit')}."
        " All settings are in config.json.",
    ]


def _where(config: ModelConfig) -> str:
    weights = config.backbone.spec.weights
    if config.backbone.bundled:
        return "its weights are in this folder."
    return f"its weights are {'fetched from the hub by this name' if weights is None else f'read from {weights}'}."


def _scores(about: dict[str, Any]) -> list[str]:
    scores = about.get("scores") or {}
    if not scores:
        return ["None: the data set has no labels."]
    rows = [f"| {name} | {own['accuracy']:.1f} | {own['miou']:.1f} |" for name, own in scores.items()]
    return [
        "On the validation crops, in percent, clusters as found (none merged), matched to classes by the labels "
        "of these crops:",
        "",
        "| prediction | accuracy | mIoU |",
        "|---|---|---|",
        *rows,
    ]


def _choices(config: ModelConfig) -> list[str]:
    settings = config.about.get("settings", {})
    by_labels = settings.get("selection") == "labels"
    return [
        f"- Weights: `selection: {settings.get('selection')}`"
        + (", so **chosen by labels**." if by_labels else ", without labels."),
        f"- Number of clusters: {len(config.class_of)}"
        + (
            ", as the settings say." if settings.get("clusters") else ", as many as the data set has classes."
        ),
        "- Names of clusters: "
        + (
            "by the labels of the validation crops."
            if config.about.get("labelled")
            else "none was given by labels."
        ),
    ]
