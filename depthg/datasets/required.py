"""Whether a data set's files are there, asked before anything runs."""

from depthg.config import Dataset
from depthg.datasets.base import root_of
from depthg.errors import DepthGError


def check_root(name: str, dataset: Dataset) -> None:
    """Check the folders and files that a data set needs (`needs` in config.yaml: path → what it is).

    Raises:
        DepthGError: some are missing; says what to put where.
    """
    root = root_of(name, dataset)
    missing = [
        f"{root / path} ({what})" for path, what in dataset.needs.items() if not (root / path).exists()
    ]
    if missing:
        raise DepthGError(
            f"data set {name}: missing: {'; '.join(missing)}: put them there, or set datasets: {name}: root"
        )
