"""The jobs that an experiment is made by, named as their logs and benchmark files are."""

from depthg.settings import Settings


def shared_stages(settings: Settings) -> list[str]:
    """Jobs whose artifacts all experiments on a data set may share, by name under `logs/{dataset}`."""
    backbone, depth = settings.backbone, settings.depth
    names = ["index", f"train/neighbors/{backbone}"]
    for split in ("train", "val"):
        names += [f"{split}/crops", f"{split}/depth/{depth}", f"{split}/features/{backbone}"]
    names += [f"train/geometry/{backbone}/{depth}/{settings.geometry}"]
    return [*names, f"train/attention/{backbone}", f"train/views/{backbone}"]


def own_stages(experiment: str, settings: Settings) -> list[str]:
    """Jobs of an experiment and of each of its seeds, by name under `logs/{dataset}`."""
    seeds = [f"seed{seed}/{job}" for seed in settings.seeds for job in ("train", "cluster", "evaluate")]
    return [f"{experiment}/{job}" for job in [*seeds, "figure", "collect"]]
