"""Write sbom.json: what requirements.lock pins, as CycloneDX 1.6, with the licences that installed packages declare.

`make sbom` runs it beside cyclonedx-bom. It fails if the result is not valid or lacks a pinned package.
"""

import json
import re
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

LOCK, OUT = Path("requirements.lock"), Path("sbom.json")
LISTED = ["cyclonedx-py", "requirements", LOCK, "--pyproject", "pyproject.toml", "--output-reproducible"]


def main() -> int:
    called = subprocess.run([*LISTED, "--no-validate"], capture_output=True, text=True)
    if called.returncode:
        print(called.stderr, file=sys.stderr)
        return called.returncode
    bom = json.loads(called.stdout)
    declared = {normal(own.name): licences(own) for own in distributions(path=sys.argv[1:])}
    for component in bom["components"]:
        if known := declared.get(normal(component["name"])):
            component["licenses"] = known
    text = json.dumps(bom, indent=1, ensure_ascii=False) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        print(f"error: {OUT}: not valid: {error}", file=sys.stderr)
        return 1
    missing = pinned() - {(normal(one["name"]), one["version"]) for one in bom["components"]}
    if missing or not declared:
        print(f"error: {OUT}: lacks {sorted(missing) or 'all licences'}", file=sys.stderr)
        return 1
    OUT.write_text(text, encoding="utf-8")
    known = sum("licenses" in component for component in bom["components"])
    print(f"{OUT}: {len(bom['components'])} packages, of {known} the licence is known")
    return 0


def pinned() -> set[tuple[str, str]]:
    """Name and version of every line of the lock."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    found = [re.match(r"([\w.-]+)(?:\[.*\])?==([^\s;]+)", line) for line in lines if line.strip()]
    return {(normal(match[1]), match[2]) for match in found}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def licences(own: Distribution) -> list[dict[str, Any]]:
    """What a package says of its licence: an SPDX expression, else a short text, else its classifiers."""
    about = own.metadata
    if expression := about["License-Expression"]:
        return [{"expression": expression}]
    named = [line.split(" :: ")[-1] for line in about.get_all("Classifier", []) if line.startswith("License")]
    if (text := about["License"]) and "\n" not in text and len(text) < 80:
        named = [text]
    return [{"license": {"name": name}} for name in named]


if __name__ == "__main__":
    sys.exit(main())
