"""The form of the rules: each stage is written once, and what every rule has follows its name."""

import re
from collections import Counter

import pytest
import yaml

from .conftest import ROOT

DIRECTIVE = re.compile(r"^    (\w+):(.*(?:\n {8}.*)*)", re.M)
DIFFERS = {"output", "log", "benchmark", "params"}  # between a store and a part of it
# Several words each: of numbers, or quoted by `options` of rules/inputs.smk.
OPTIONS = {f"params.{name}" for name in ("attention", "clusters", "part", "schedule", "stores")}
NEEDED = {"output", "log", "benchmark", "conda", "message", "shell"}


def blocks() -> dict[str, dict[str, str]]:
    """The text of each directive of each rule, by the rule's head: `rule crops`, `use rule crops as crops_part`."""
    texts = "\n".join(path.read_text() for path in sorted((ROOT / "rules").glob("*.smk")))
    parts = re.split(r"^((?:use )?rule [\w ]+?)(?: with)?:\n", texts, flags=re.M)
    return {head: dict(DIRECTIVE.findall(body)) for head, body in zip(parts[1::2], parts[2::2], strict=True)}


RULES = blocks()
STAGES = [head for head, own in RULES.items() if head.startswith("rule") and "shell" in own]
DERIVED = [head for head in RULES if head.startswith("use")]
PARTS = [head for head in DERIVED if head.endswith("_part")]


def test_no_command_is_written_twice():
    counts = Counter(own["shell"] for own in RULES.values() if "shell" in own)
    assert len(counts) == len(STAGES) > 20 and set(counts.values()) == {1}


@pytest.mark.parametrize("head", STAGES)
def test_whatever_a_path_or_a_name_holds_the_shell_sees_one_word(head):
    used = re.findall(r"{([\w.]+)(:q)?}", RULES[head]["shell"])
    assert {name for name, quoted in used if not quoted} <= {"threads", *OPTIONS}


@pytest.mark.parametrize("head", PARTS)
def test_a_part_names_only_what_differs_from_its_store(head):
    whole = re.fullmatch(r"use rule (\w+) as \1_part", head)
    assert whole and RULES[head].keys() == DIFFERS
    assert re.findall(r"(\w+)=", RULES[head]["params"]) == ["part"]
    assert "parts=parts_of(" in RULES[f"rule {whole[1]}"]["input"]


@pytest.mark.parametrize("head", [head for head in DERIVED if head not in PARTS])
def test_another_store_of_a_stage_names_only_what_differs(head):
    assert RULES[head].keys() == DIFFERS | {"message"}


@pytest.mark.parametrize("head", STAGES)
def test_a_rule_has_what_every_rule_has(head):
    own = RULES[head]
    assert own.keys() >= NEEDED
    assert own["conda"].split() == ['"../envs/depthg.yaml"']


@pytest.mark.parametrize("head", STAGES + DERIVED)
def test_the_log_and_the_duration_of_a_job_lie_side_by_side(head):
    log, duration = (RULES[head][name].strip().strip('",') for name in ("log", "benchmark"))
    assert log.startswith("logs/") and log.removesuffix(".log") == duration.removesuffix(".tsv")


def test_every_caption_of_the_report_is_there_and_used():
    outputs = " ".join(own.get("output", "") for own in RULES.values())
    reported = re.findall(r'reported\(\s*"[^"]+",\s*"(\w+)"', outputs)
    drawn = re.findall(r'drawn\(\s*"[^"]+",\s*"(\w+)"', outputs)
    assert len(drawn) == 6
    captions = {path.stem for path in (ROOT / "workflow/report").glob("*.rst")}
    assert captions == {*reported, *drawn, "workflow"}
    assert 'report: "workflow/report/workflow.rst"' in (ROOT / "Snakefile").read_text()


def test_a_plain_command_needs_no_number_of_cores():
    assert yaml.safe_load((ROOT / "profiles/default/config.yaml").read_text())["cores"] == "all"
