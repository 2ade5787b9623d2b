"""On PYTHONPATH, every Python process notes in the file WATCHED that it began, and each address that it turns to."""

import os
import sys

EVENTS = ("socket.bind", "socket.connect", "socket.getaddrinfo", "socket.sendto", "socket.sendmsg")


def note(event: str, arguments: tuple = ()) -> None:
    if event in EVENTS or event == "began":
        with open("/proc/self/cmdline") as command, open(os.environ["WATCHED"], "a") as stream:
            words = command.read().replace("\0", " ")
            stream.write(f"{event} {arguments[1:]!r} by {words[:200]!r}\n")


note("began")
sys.addaudithook(note)
