"""What `make audit` says about a report of pip-audit: the report itself needs a network. Expectations are literals."""

import pytest

from tools.audit import NOT_AUDITED, NOTHING_KNOWN, VULNERABLE, judge

WHOLE = {"name": "six", "version": "1.17.0", "vulns": []}
WEAK = {"name": "old", "version": "1.0", "vulns": [{"id": "GHSA-1", "fix_versions": ["1.1"]}]}
SKIPPED = {"name": "odd", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(
    ("packages", "code", "line"),
    [
        ([WHOLE], NOTHING_KNOWN, "No vulnerability is known of 1 packages."),
        ([WHOLE, WEAK, SKIPPED], VULNERABLE, "old 1.0: GHSA-1, fixed in 1.1"),
        ([WHOLE, SKIPPED], NOT_AUDITED, "Not audited: nothing is told about 1 of 2 packages (odd)."),
        ([], NOT_AUDITED, "Not audited: nothing is told about 0 of 0 packages ()."),
    ],
)
def test_a_package_that_could_not_be_looked_up_is_not_called_safe(packages: list[object], code: int, line: str) -> None:
    assert judge({"dependencies": packages}) == (code, [line])


def test_without_a_report_nothing_is_said_to_be_safe() -> None:
    code, [line] = judge(None, "ConnectionError")
    assert code == NOT_AUDITED
    assert line == "Not audited: no list of vulnerabilities could be reached (ConnectionError) from this machine."
