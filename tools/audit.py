"""Compare the packages of the image with the known vulnerabilities: `make audit`. Needs an index and its advisories.

Exit codes: 0 none is known, 1 some are, 3 it could not be found out. pip-audit itself ends with 0 when it could look up
nothing. It is installed into a folder of its own, so that it is no dependency of the project.
"""

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PINS = ROOT / "requirements-image.txt"
HOME = ROOT / ".venv" / "audit"
NOTHING_KNOWN, VULNERABLE, NOT_AUDITED = 0, 1, 3


def judge(report: Mapping[str, Any] | None, problem: str = "") -> tuple[int, list[str]]:
    """Return the exit code and the lines to print for a report of pip-audit; None when it wrote none."""
    if report is None:
        reason = f"({problem}) " if problem else ""
        return NOT_AUDITED, [f"Not audited: no list of vulnerabilities could be reached {reason}from this machine."]
    packages = report["dependencies"]
    lines = [
        f"{package['name']} {package['version']}: {advisory['id']}, fixed in {_list_fixes(advisory)}"
        for package in packages
        for advisory in package.get("vulns", ())
    ]
    if lines:
        return VULNERABLE, lines
    skipped = [package["name"] for package in packages if "skip_reason" in package]
    if skipped or not packages:
        names = ", ".join(skipped[:3])
        return NOT_AUDITED, [
            f"Not audited: nothing is told about {len(skipped)} of {len(packages)} packages ({names})."
        ]
    return NOTHING_KNOWN, [f"No vulnerability is known of {len(packages)} packages."]


def _list_fixes(advisory: Mapping[str, Any]) -> str:
    return ", ".join(advisory["fix_versions"]) or "no version"


def run_audit() -> tuple[int, list[str]]:
    """Install pip-audit where it is missing, run it, and judge its report."""
    program = HOME / "bin" / "pip-audit"
    if not program.exists():
        venv.create(HOME, with_pip=True)
        install = [HOME / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "pip-audit"]
        if subprocess.run(install, check=False, capture_output=True).returncode:
            return judge(None, "pip-audit cannot be installed")
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [program, "--disable-pip", "--require-hashes", "--requirement", PINS, "--progress-spinner", "off"]
        done = subprocess.run(
            [*command, "--format", "json", "--output", report], check=False, capture_output=True, text=True
        )
        if not report.exists():
            return judge(None, (done.stderr.strip().splitlines() or [""])[-1].partition(":")[0])
        return judge(json.loads(report.read_bytes()))


if __name__ == "__main__":
    code, sentences = run_audit()
    sys.stdout.write("\n".join([*sentences, ""]))
    sys.exit(code)
