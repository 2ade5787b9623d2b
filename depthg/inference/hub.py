"""Where a model is: a folder, the one that comes with the package, or the Hugging Face hub."""

from functools import partial
from pathlib import Path

from depthg.errors import DepthGError
from depthg.inference.config import CONFIG, FILES, HEAD, PROBES
from depthg.runtime.workflow import PACKAGE
from depthg.weights.catalogue import HUB_ID
from depthg.weights.hub import why_unreachable

DEMO = PACKAGE / "weights/demo_model"  # made by `make demo-model`
NEEDED = (HEAD, PROBES, CONFIG)  # what every model has


def model_folder(source: Path | str) -> Path:
    """The folder of a model; one of the hub is fetched into the hub's cache, unless it is there whole.

    Raises:
        DepthGError: there is no such folder, or the hub does not answer.
    """
    folder = Path(source).expanduser()
    if str(source) == "demo":
        return DEMO
    if folder.is_dir() or not HUB_ID.fullmatch(str(source)):
        return folder.parent if folder.name == CONFIG else folder
    return _fetched(str(source))


def _fetched(hub_id: str) -> Path:
    from huggingface_hub import snapshot_download  # takes a second to import

    model = partial(snapshot_download, hub_id, allow_patterns=list(FILES))
    try:
        here = Path(model(local_files_only=True))
        if all((here / file).is_file() for file in NEEDED):
            return here  # else the download was interrupted
    except OSError:
        pass  # not yet here
    try:
        if why := why_unreachable():
            raise ConnectionError(why)
        return Path(model())
    except Exception as error:  # the hub client raises many types
        reason = error if isinstance(error, ConnectionError) else type(error).__name__
        raise DepthGError(
            f"model {hub_id}: no such folder here, and not fetched from the hub ({reason}): give the folder of a "
            "model, or fetch it where there is a network"
        ) from None
