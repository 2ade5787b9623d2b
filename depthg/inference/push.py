"""`depthg push`: a model's folder to the Hugging Face hub, from which `Segmenter.from_pretrained` fetches it."""

from pathlib import Path

from depthg.errors import DepthGError
from depthg.inference.config import FILES, read_config
from depthg.runtime.files import size_text
from depthg.runtime.progress import info
from depthg.weights.catalogue import HUB_ID
from depthg.weights.hub import why_unreachable


def push(folder: Path, hub_id: str, private: bool = False, dry_run: bool = False) -> None:
    """Upload a model in one commit, in the place of a former one; the repository is made if there is none.

    Args:
        folder: a model's folder.
        hub_id: OWNER/NAME on the hub.
        private: make a new repository private.
        dry_run: say what would be uploaded, and ask for nothing.

    Raises:
        DepthGError: the folder is no model, the name is none of the hub's form, or the hub refuses.
    """
    config = read_config(folder)
    if not HUB_ID.fullmatch(hub_id):
        raise DepthGError(f"{hub_id}: not a name on the hub: give OWNER/NAME")
    files = [file for file in FILES if (folder / file).is_file()]
    for file in files:
        info(f"{hub_id}: {file}, {size_text((folder / file).stat().st_size)}")
    if config.backbone.bundled:
        info(
            f"{hub_id}: with the weights of {config.backbone.name}: its licence, named in README.md, must allow that"
        )
    if dry_run:
        return info(f"{hub_id}: nothing was uploaded (--dry-run)")
    info(f"{hub_id}: {_upload(folder, hub_id, private, files)}")


def _upload(folder: Path, hub_id: str, private: bool, files: list[str]) -> str:
    """Create the repository if needed, upload, and return the address of the commit."""
    from huggingface_hub import HfApi, constants  # takes a second to import

    if why := why_unreachable():
        raise DepthGError(f"{hub_id}: not uploaded ({why}): run the same command where there is a network")
    try:
        api = HfApi(endpoint=constants.ENDPOINT)
        api.create_repo(hub_id, private=private, exist_ok=True)
        done = api.upload_folder(
            repo_id=hub_id,
            folder_path=folder,
            allow_patterns=files,
            delete_patterns=[file for file in FILES if file not in files],  # axes would be applied
            commit_message="Upload a model of depthg",
        )
        return str(done.commit_url)
    except Exception as error:  # the hub client raises many types
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DepthGError(
            f"{hub_id}: the hub refused ({reason}): log in with `hf auth login`, or set HF_TOKEN, to an account that "
            "may write there"
        ) from None
