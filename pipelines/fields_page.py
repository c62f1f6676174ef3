"""Builds the page ``docs/fields.md`` from the declarations of the transforms.

What must not come in: where a field lands (the transforms declare it), the writing of a file.
"""

from extractors.registry import PROVIDERS
from transforms.field_mapping import describe_fields
from transforms.registry import get_transform

PAGE_NAME = "fields.md"

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


def render_page() -> str:
    """Return the whole page in Markdown."""
    lines = [_HEAD]
    for provider in PROVIDERS:
        lines += [f"## {provider}", "| stream | field | lands in |", "|---|---|---|"]
        for stream, place, home in describe_fields(get_transform(provider).fields):
            shown = place.replace("|", "\\|")
            lines.append(f"| {stream} | `{shown}` | {home} |")
        lines.append("")
    return "\n".join(lines)
