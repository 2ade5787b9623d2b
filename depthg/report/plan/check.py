"""`depthg data check`: check every file of a data set, and estimate the size of its stores."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from depthg.config import Config
from depthg.data.check import check_files
from depthg.errors import DepthGError
from depthg.report.plan.disk import cache_sizes
from depthg.runtime.files import size_text
from depthg.runtime.progress import info, warn

MAX_SHOWN = 10  # problems that are listed one by one


def check(name: str, config: Config) -> None:
    """Read every file of a data set; print counts, label ids, problems, and the disk space that its stores need.

    Raises:
        DepthGError: there are problems.
    """
    images, problems = check_files(name, config.named("dataset", name))
    _show_sizes(name, images, config)
    for problem in problems[:MAX_SHOWN]:
        info(f"wrong: {problem}")
    if problems:
        raise DepthGError(
            f"{name}: {len(problems):,} problems, of which {min(len(problems), MAX_SHOWN)} are listed above"
        )
    info(f"{name}: nothing is wrong")


def _show_sizes(name: str, images: Mapping[str, int], config: Config) -> None:
    settings = config.resolve(name)
    sizes = cache_sizes(images, settings, config)
    parts = ", ".join(f"{stage} {size_text(size)}" for stage, size in sizes.items())
    free = shutil.disk_usage(Path(".")).free
    info(f"{name}: stores with {settings.backbone} take up to {parts}; {size_text(free)} are free here")
    if sum(sizes.values()) > free:
        warn(f"{name}: not enough room: make some, or link resources/{name} to a larger disk")
