"""The text of a ChatCaptain export: one line per conversation, or one per date and channel, in the shapes' dialect.

Test traffic is included. No jobs, no HTTP.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from sandbox.account import SandboxAccount
from sandbox.arithmetic import ms_to_seconds
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, format_instant
from sandbox.profile import MILLISECOND

Context = ApiContext[ChatcaptainShapes]
Cell = str | int | Decimal | None
FIELDS = (
    "conversationId",
    "startedAt",
    "endedAt",
    "channelId",
    "channelType",
    "language",
    "messages",
    "userMessages",
    "interactions",
    "intents",
    "intentScore",
    "durationSeconds",
    "endReason",
    "transferTarget",
    "contactId",
)
TOTAL_FIELDS = ("date", "channelType", "conversations", "messages")
GERMAN = {
    "startedAt": "Datum",
    "channelType": "Kanal",
    "language": "Sprache",
    "messages": "Nachrichten",
    "conversations": "Gespräche",
    "date": "Datum",
}
ALTERNATIVE = {
    "conversationId": "id",
    "startedAt": "timestamp",
    "endedAt": "endTime",
    "channelType": "channel",
    "messages": "messageCount",
    "userMessages": "userInputs",
    "interactions": "interactionCount",
    "intents": "intent",
    "intentScore": "score",
    "durationSeconds": "callDuration",
    "endReason": "callEndReason",
    "contactId": "userId",
    "conversations": "conversationCount",
}
LINES_PER_PIECE = 500


def _split_words(name: str, gap: str) -> str:
    """Return a camel-case name in lower case, with `gap` before each former capital."""
    return "".join(gap + letter.lower() if letter.isupper() else letter for letter in name)


HEADERS: dict[str, Callable[[str], str]] = {
    "camel": lambda name: name,
    "snake": lambda name: _split_words(name, "_"),
    "space": lambda name: _split_words(name, " ").title(),
    "upper": lambda name: _split_words(name, "_").upper(),
    "german": lambda name: GERMAN.get(name, name),
    "alternative": lambda name: ALTERNATIVE.get(name, name),
}


def generate_export_text(context: Context, account: SandboxAccount, first: datetime, last: datetime) -> Iterator[str]:
    """Yield the file in pieces of whole lines; both ends of the range are inside it."""
    shapes = context.shapes
    is_total = shapes.csv_grain == "total"
    fields = list(TOTAL_FIELDS if is_total else FIELDS)
    if shapes.csv_extra_column or shapes.extra_fields:
        fields.append("agentNotes")
    if shapes.csv_order == "reversed":
        fields.reverse()
    items = context.world.conversations_between(account.name, first, last + MILLISECOND)
    rows = _generate_totals(account, items) if is_total else (_build_row(context, account, item) for item in items)
    buffer = io.StringIO(newline="")
    delimiter = {"tab": "\t"}.get(shapes.csv_delimiter, shapes.csv_delimiter)
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=shapes.csv_line_end)
    if shapes.csv_bom:
        buffer.write("\ufeff")
    if shapes.csv_delimiter_line:
        buffer.write(f"sep={delimiter}{shapes.csv_line_end}")
    writer.writerow(map(HEADERS[shapes.csv_headers], fields))
    for number, row in enumerate(rows, 1):
        writer.writerow([_format_cell(context, row.get(name)) for name in fields])
        if number % LINES_PER_PIECE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _build_row(context: Context, account: SandboxAccount, item: Conversation) -> dict[str, Cell]:
    return {
        "conversationId": item.id,
        "startedAt": _format_time(context, account, item.started_at),
        "endedAt": _format_time(context, account, item.ended_at),
        "channelId": item.channel_id,
        "channelType": item.channel,
        "language": item.language,
        "messages": item.messages,
        "userMessages": item.user_messages,
        "interactions": item.interactions,
        "intents": "|".join(item.intents),
        "intentScore": item.intent_score,
        "durationSeconds": ms_to_seconds(item.call_ms) if item.is_call else None,
        "endReason": item.end_reason,
        "transferTarget": item.transfer_target,
        "contactId": None if item.user is None else str(item.user),
        "agentNotes": 'said "hi";\nthen left, twice',
    }


def _generate_totals(account: SandboxAccount, items: Iterator[Conversation]) -> Iterator[dict[str, Cell]]:
    counts: Counter[tuple[str, str]] = Counter()
    messages: Counter[tuple[str, str]] = Counter()
    for item in items:
        key = (str(item.started_at.astimezone(account.zone).date()), item.channel)
        counts[key] += 1
        messages[key] += item.messages
    for day, channel in counts:
        key = (day, channel)
        yield {"date": day, "channelType": channel, "conversations": counts[key], "messages": messages[key]}


def _format_time(context: Context, account: SandboxAccount, moment: datetime) -> str:
    form = context.shapes.csv_times
    if form == "utc":
        return format_instant(moment)
    local = moment.astimezone(account.zone).isoformat(timespec="milliseconds")
    return local if form == "offset" else local[:23]


def _format_cell(context: Context, value: Cell) -> str | int | None:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.replace(".", ",") if context.shapes.csv_decimal_comma else text
    return value
