"""The Hugging Face hub: what its cache on this machine holds, and whether it can be asked for more.

The hub's client tries every file of a model six times, a minute in all, before it says that there is no network. It is
therefore asked only once a single brief request was answered.
"""

from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

TIMEOUT = 4  # seconds, also for finding the hub's address, which no library limits


def cached(hub_id: str, file: str) -> Path | None:
    """A file of a hub model in the hub's own cache, or None; nothing is asked."""
    from huggingface_hub import try_to_load_from_cache  # takes a second to import

    path = try_to_load_from_cache(hub_id, file)
    return Path(path) if isinstance(path, str) else None


def why_unreachable() -> str | None:
    """Why the hub cannot be asked: HF_HUB_OFFLINE is set, or it did not answer one request; None: it did."""
    from huggingface_hub import is_offline_mode
    from huggingface_hub.constants import ENDPOINT

    if is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    reply: SimpleQueue[str | None] = SimpleQueue()
    Thread(target=lambda: reply.put(_why_silent(ENDPOINT)), daemon=True).start()
    try:
        return reply.get(timeout=TIMEOUT)
    except Empty:
        return f"{ENDPOINT} does not answer"


def _why_silent(endpoint: str) -> str | None:
    """Send one request, with the client's proxies and certificates; any answer will do but that it is out of order."""
    from huggingface_hub.utils import get_session

    try:
        status = get_session().head(endpoint, timeout=TIMEOUT).status_code
    except Exception as error:  # of whatever HTTP library the client uses
        return f"{endpoint}: {' '.join(str(error).split()) or type(error).__name__}"
    return f"{endpoint} answers {status}" if status >= 500 else None
