"""YAML of users: merged anchors, keys that are given twice, and what is no YAML."""

import pytest

from depthg.config.reading import parse_yaml, read_yaml
from depthg.errors import DepthGError

MERGED = """
experiments: {small: &small {samples: 5, steps: 100}}
datasets: {garden: {settings: &few {<<: *small, steps: 50}}}
settings: {<<: *few}
"""


def test_an_anchor_may_override_what_it_merges_and_be_merged_in_turn():
    content = parse_yaml(MERGED, "own.yaml")
    assert content["settings"] == content["datasets"]["garden"]["settings"] == {"samples": 5, "steps": 50}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: [{c: 1,\n  c: 2}]", "line 3: 'c' is given twice"),
        ("a: &a {b: 1, b: 2}\nc: *a", "line 1: 'b' is given twice"),
        ("? {a: 1, a: 2}\n: 3", "line 1: 'a' is given twice"),
        ("? [a, b]\n: 3", "found unhashable key"),
        ("a: [", "did not find expected node content"),
        ("a: 2000-13-01", "month must be in 1..12"),
    ],
)
def test_what_is_no_yaml_is_said_in_one_line(text, said):
    with pytest.raises(DepthGError, match=rf"^own\.yaml: not YAML: .*{said}") as caught:
        parse_yaml(text, "own.yaml")
    assert "\n" not in str(caught.value)


def test_aliases_are_looked_at_once():
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    assert len(parse_yaml("\n".join(lines), "own.yaml")) == 60
    assert parse_yaml("a: &a [*a]", "own.yaml")["a"]


def test_a_file_that_says_nothing_is_an_empty_mapping(tmp_path):
    (tmp_path / "own.yaml").write_text("# nothing\n")
    assert read_yaml(tmp_path / "own.yaml") == {} and parse_yaml("", "own.yaml") is None
