"""The page ``docs/fields.md``, written from what the transforms declare. ``python -m pipelines.fields_page [--check]``.

What a field becomes is not decided here.
"""

import argparse
import sys
from pathlib import Path

from extractors.registry import PROVIDERS
from transforms.fields import rows
from transforms.registry import transform_of

PAGE = Path(__file__).parents[1] / "docs" / "fields.md"

_HEAD = """# Fields: where each one lands

Written by `make docs` from the declarations beside the transforms (`transforms/fields_*.py`); a test changes one field
after the other in real answers, and what changes in the views must be what stands here.

- A **column** is a column of a view; for `metric_daily` the metrics are named. A member brings its conformed
  names with it: `channel`, `channel_group`, `is_test`, `language`, `country`.
- **reconciliation**: the field is compared with another answer. `load_ledger.totals` keeps totals as told.
- **places the answer**: says of which day, conversation or member an answer is; another is refused or counts elsewhere.
- **landed only**: kept in the landing zone, in no view, for the reason given. **not landed**: in no kept answer.
- `name`, `number` and `instant` stand for every accepted spelling of a member, its number and its time
  ([mapping.md](mapping.md) has the rules).
"""


def page() -> str:
    """The whole page, in Markdown."""
    lines = [_HEAD]
    for provider in PROVIDERS:
        lines += [f"## {provider}", "| stream | field | lands in |", "|---|---|---|"]
        for stream, place, home in rows(transform_of(provider).fields):
            shown = place.replace("|", "\\|")
            lines.append(f"| {stream} | `{shown}` | {home} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    """Write the page, or with ``--check`` say by the exit code whether it is current."""
    parser = argparse.ArgumentParser(description="Writes docs/fields.md.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when the page is not current")
    if not parser.parse_args().check:
        PAGE.write_text(page(), "utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text("utf-8") == page():
        return 0
    sys.stderr.write(f"{PAGE} is not current: run `make docs`.\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
