"""Every test that the page of security names exists."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")


def test_every_named_test_exists() -> None:
    sources = {path: path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")}
    functions = set(re.findall(r"^(?:async )?def (test_\w+)\(", "\n".join(sources.values()), re.MULTILINE))
    names = re.findall(r"`(test_\w+)`", PAGE)
    files = re.findall(r"`(test_\w+\.py)`", PAGE)
    places = re.findall(r"`(tests/[\w/.]+)`", PAGE)
    assert len(names) > 20
    assert [name for name in names if name not in functions] == []
    assert [name for name in files if name not in {path.name for path in sources}] == []
    assert [place for place in places if not (ROOT / place).exists()] == []
