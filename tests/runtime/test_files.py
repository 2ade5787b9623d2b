"""Files are written whole or not at all."""

import pytest

from depthg.runtime.files import replacing


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(28, "No space left on device"), r"\[Errno 28\] No space left on device: '.*/a'$"),
        (ValueError("no number"), "^no number$"),
        (KeyboardInterrupt(), "^$"),
    ],
)
def test_a_write_that_fails_leaves_the_file_as_it_was_and_no_draft(tmp_path, error, message):
    (tmp_path / "a").write_text("before")
    with pytest.raises(type(error), match=message), replacing(tmp_path / "a") as draft:
        draft.write_text("half of it")
        raise error
    assert [path.read_text() for path in tmp_path.iterdir()] == ["before"]


def test_a_write_that_fails_before_its_draft_tells_why(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none/\.a\.tmp"), replacing(tmp_path / "none/a") as draft:
        draft.write_text("nowhere to be")
