"""What the system refuses, in words: no room, no permission, no memory, a folder that is gone; each in one line."""

import errno

REFUSED = {  # errno → what it means, and what to do
    errno.ENOSPC: "the disk is full: make room",
    errno.EDQUOT: "your quota of the disk is used up: make room",
    errno.EROFS: "the file system is read-only: choose another folder, or have it mounted for writing",
    errno.EACCES: "no permission: change the owner or the mode of the file or its folder",
    errno.EPERM: "not permitted: change the owner or the mode of the file or its folder",
    errno.ENOENT: "is missing: it was moved or removed meanwhile: put it back",
    errno.ENOTDIR: "a part of the path is no folder: remove the file that is in its place",
    errno.EEXIST: "a file is in the place of this folder: remove it, or choose another name",
    errno.EISDIR: "a folder is in the place of this file: remove it",
    errno.ESTALE: "the network file system has lost it: mount it again",
    errno.EIO: "cannot be read or written (input/output error): look after the disk",
    errno.EMFILE: "too many open files: raise the limit (`ulimit -n 1024`)",
    errno.ENFILE: "too many open files on this machine: close other programs",
    errno.ENAMETOOLONG: "the name is too long: use shorter names of data set and experiment",
    errno.ELOOP: "a link that leads to itself: remove it",
    errno.ENOMEM: "not enough memory: use fewer threads or a machine with more",
}
OUT_OF_MEMORY = (
    "not enough memory",
    "can't allocate memory",
    "out of memory",
)  # in messages of torch and faiss


def refusal(error: Exception) -> str | None:
    """One line for an error that the system is the reason of; None for any other."""
    if isinstance(error, OSError) and error.errno in REFUSED:
        return f"{error.filename or 'disk'}: {REFUSED[error.errno]} and run the same command again"
    text = str(error).lower()
    if isinstance(error, MemoryError) or any(words in text for words in OUT_OF_MEMORY):
        return (
            "not enough memory: use fewer threads (--cores), close other programs, or use a machine with more"
        )
    return None
