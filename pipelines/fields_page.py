"""Builds the page ``docs/fields.md`` from the declarations of the transforms.

What must not come in: where a field lands (the transforms declare it), the writing of a file.
"""

from extractors.registry import PROVIDERS
from transforms.field_mapping import describe_fields
from transforms.registry import get_transform

PAGE_NAME = "fields.md"

_HEAD = """# Fields: where each one lands

`make docs` writes this page from the declarations beside the transforms (`transforms/<provider>/fields.py`). A test
changes the fields of real responses, one after the other; the columns that change must be those declared here.

- A **column** is a column of a view; for `metric_daily` the metrics are named. A member changes its conformed
  names, too: `channel`, `channel_group`, `is_test`, `language`, `country`.
- **reconciliation**: the field is compared with another response. `load_ledger.totals` keeps the provider's own totals.
- **assigns the response**: the field decides which day, conversation or member the response belongs to. Another value
  is refused or counts elsewhere.
- **landed only**: the landing zone keeps the field, no view has it, for the given reason. **not landed**: no landed
  response has it.
- `name`, `number` and `instant` stand for every accepted spelling of a member, its number and its time
  ([mapping.md](mapping.md) has the rules).
"""


def render_page() -> str:
    """Return the whole page in Markdown."""
    lines = [_HEAD]
    for provider in PROVIDERS:
        lines += [f"## {provider}", "| stream | field | lands in |", "|---|---|---|"]
        for stream, place, destination in describe_fields(get_transform(provider).fields):
            escaped_place = place.replace("|", "\\|")
            lines.append(f"| {stream} | `{escaped_place}` | {destination} |")
        lines.append("")
    return "\n".join(lines)
