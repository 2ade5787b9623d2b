"""Where progress and messages go."""

import os

from depthg.runtime.progress import info, terminal, track, warn


def test_track_yields_every_item(capsys):
    assert list(track(range(3), 3, "counting")) == [0, 1, 2]
    assert capsys.readouterr().err == ""  # no bar where nobody watches


def test_messages_reach_terminal_and_log(monkeypatch, capsys):
    reader, writer = os.pipe()
    monkeypatch.setenv("DEPTHG_TERMINAL", str(writer))
    info("hello")
    warn("careful")
    os.close(writer)
    with os.fdopen(reader) as stream:
        assert stream.read() == "hello\nwarning: careful\n"
    assert capsys.readouterr().out == "hello\nwarning: careful\n"


def test_closed_descriptor_falls_back_to_standard_error(monkeypatch):
    import sys

    monkeypatch.setenv("DEPTHG_TERMINAL", "997")
    assert terminal() is sys.stderr
