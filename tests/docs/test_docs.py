"""README, CONTRIBUTING and the site: links lead somewhere, commands exist, examples run, pages are whole."""

import importlib.util
import re
from pathlib import Path

import pytest

import depthg
from depthg.cli import COMMANDS
from depthg.config.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.fixture(scope="module")
def hooks():
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs/hooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", prose)
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    shell = "\n".join(re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL))
    for line in re.findall(r"^depthg (.*)$", shell, re.MULTILINE):
        words = line.split()
        assert words[0] in COMMANDS or " ".join(words[:2]) in COMMANDS, line
    for targets in re.findall(r"^make ([a-z -]+?)(?:\s+#.*)?$", shell, re.MULTILINE):
        for target in targets.split():
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_the_example_of_the_readme_runs():
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    names = {}
    exec(example, names)
    assert names["loss"].ndim == 0 and names["codes"].grad.abs().sum() > 0


def test_every_setting_has_a_description_on_its_page(hooks):
    rows = re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", "\n".join(hooks.configuration()), re.MULTILINE)
    assert Settings.model_fields.keys() <= {name for name, _ in rows}


def test_every_command_and_public_name_is_on_its_page(hooks):
    assert {f"## depthg {name}" for name in COMMANDS} <= set(hooks.commands())
    assert {f"## {name}" for name in depthg.__all__} <= set(hooks.api())


def test_the_site_starts_as_the_readme_does(hooks):
    (start,) = hooks.start()
    assert start.startswith("# depthg") and "](docs/" not in start and "[own images](own-images.md)" in start
