"""The workflow jobs of an experiment, by the names of their log and benchmark files."""

from depthg.config.settings import Settings


def shared_stages(settings: Settings) -> list[str]:
    """Jobs whose outputs the experiments on a data set share, by name under `logs/{dataset}`."""
    backbone, depth = settings.backbone, settings.depth
    training = settings.training_split
    names = ["index", "train/crops", f"train/neighbors/{backbone}"]
    if training == "scheduled":
        names += [f"train/pooled/{backbone}", "scheduled/crops"]
    for split in (training, "val"):
        names += [f"{split}/depth/{depth}", f"{split}/features/{backbone}"]
    names += ["val/crops", f"{training}/geometry/{backbone}/{depth}/{settings.geometry}"]
    return [*names, f"{training}/attention/{backbone}", f"{training}/views/{backbone}"]


def own_stages(experiment: str, settings: Settings) -> list[str]:
    """Jobs that belong to one experiment and its seeds, by name under `logs/{dataset}`."""
    seeds = [f"seed{seed}/{job}" for seed in settings.seeds for job in ("train", "cluster", "evaluate")]
    return [f"{experiment}/{job}" for job in [*seeds, "figure", "collect"]]
