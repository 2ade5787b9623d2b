"""Ask which packages of requirements.lock have known vulnerabilities. `make audit` runs it beside pip-audit.

Ends with 0 if all were asked about and none has any, 1 if some has, and 2 if the service could not be asked about all:
pip-audit itself only warns of packages that it had to skip.
"""

import json
import subprocess
import sys

ASK = ["pip-audit", "--requirement", "requirements.lock", "--no-deps", "--disable-pip", "--format", "json"]


def main() -> int:
    called = subprocess.run(ASK, capture_output=True, text=True)
    try:
        packages = json.loads(called.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = called.stderr.strip().splitlines()[-1:] or ["no answer"]
        return unknown(f"the vulnerability service is out of reach: {reason[0]}")
    skipped = [package for package in packages if "skip_reason" in package]
    found = [(package, own) for package in packages for own in package.get("vulns", [])]
    for package, own in found:
        fixed = ", ".join(own["fix_versions"]) or "none yet"
        print(f"{package['name']} {package['version']}: {own['id']}; mended in: {fixed}")
    if skipped or not packages:
        reason = skipped[0]["skip_reason"] if skipped else "nothing is listed"
        return unknown(
            f"the service knows {len(packages) - len(skipped)} of {len(packages)} packages: {reason}"
        )
    print(f"{len(packages)} packages asked about, {len(found)} known vulnerabilities")
    return 1 if found else 0


def unknown(why: str) -> int:
    print(f"error: requirements.lock: not audited: {why}: run it where the internet is", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
