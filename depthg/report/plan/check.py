"""Whether a data set is whole and sound, and the disk that its stores will take: what `depthg data check` shows."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from depthg.config import Config
from depthg.data.check import check_files
from depthg.errors import DepthGError
from depthg.report.plan.disk import cache_sizes
from depthg.runtime.files import size_text
from depthg.runtime.progress import info, warn

SHOWN = 10  # problems that are shown one by one


def check(name: str, config: Config) -> None:
    """Read every file of a data set; show counts, label ids, everything that is wrong, and the disk it needs.

    Raises:
        DepthGError: something is wrong.
    """
    images, problems = check_files(name, config.named("dataset", name))
    _show_sizes(name, images, config)
    for problem in problems[:SHOWN]:
        info(f"wrong: {problem}")
    if problems:
        raise DepthGError(
            f"{name}: {len(problems):,} problems, of which {min(len(problems), SHOWN)} are listed above"
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
