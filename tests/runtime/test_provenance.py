"""Where results come from."""

import subprocess

from depthg.runtime.provenance import git_commit, provenance, read_durations


def test_durations_are_named_by_stage(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from pathlib import Path

    path = Path("logs/demo/train/features/vit.tsv")
    path.parent.mkdir(parents=True)
    path.write_text("s\th:m:s\n12.34\t0:00:12\n")
    assert read_durations([path, Path("logs/demo/none.tsv")]) == {"train/features/vit": 12.3}
    for part in ("2of3", "1of2"):
        path.with_name(f"vit.{part}.tsv").write_text("s\th:m:s\n4\t0:00:04\n")
    note = Path("resources/demo/train/features/vit.zarr/parts/2of3.json")
    note.parent.mkdir(parents=True)
    note.touch()  # another division is a former one
    assert read_durations([path]) == {"train/features/vit": 12.3, "train/features/vit.2of3": 4.0}


def test_versions_name_what_numbers_depend_on():
    assert {"python", "torch", "timm", "faiss-cpu"} <= provenance()["versions"].keys()


def test_commit_of_a_repository_and_of_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit() is None
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "init", "-q"], check=True)
    (tmp_path / "a").write_text("1")
    subprocess.run(["git", "add", "a"], check=True)
    subprocess.run(["git", *identity, "commit", "-qm", "a"], check=True)
    clean = git_commit()
    assert clean and len(clean) == 40
    (tmp_path / "a").write_text("2")
    assert git_commit() == clean + "+"
