"""Whether a data set's files are there, asked before anything runs."""

from depthg.data import loader
from depthg.data.records import root_of
from depthg.config.sections import Dataset
from depthg.errors import DepthGError

ARCHIVES = (".zip", ".tar.gz")


def check_root(name: str, dataset: Dataset) -> None:
    """Check the folders and files that a data set needs: those of its kind, and its own in config.yaml.

    Raises:
        DepthGError: some are missing; says what to put where, or what to unpack.
    """
    root = root_of(name, dataset)
    needs = loader(name, dataset.kind).NEEDS | dataset.needs
    missing = {path: what for path, what in needs.items() if not (root / path).exists()}
    if not missing:
        return
    listed = "; ".join(f"{root / path} ({what})" for path, what in missing.items())
    packed = sorted({what for what in missing.values() if (root / what).is_file()})
    remedy = "put them there"
    if packed:
        remedy = f"unpack {', '.join(packed)} with `depthg data unpack {name}`"
    elif any(what.endswith(ARCHIVES) for what in missing.values()):
        remedy = f"`depthg data fetch {name}` gets them, or says from where"
    raise DepthGError(f"data set {name}: missing: {listed}: {remedy}, or set datasets: {name}: root")
