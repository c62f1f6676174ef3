"""The text of a ChatCaptain export: one line per conversation, or one per date and channel, in the switched dialect.

Test traffic is among the lines. No jobs, no HTTP.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal

from sandbox.accounts import SandboxAccount
from sandbox.arithmetic import ms_to_seconds
from sandbox.conversations import MILLISECOND, Conversation
from sandbox.http import ApiContext, format_instant

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
LINES_AT_ONCE = 500


def _spaced(name: str, gap: str) -> str:
    return "".join(gap + letter.lower() if letter.isupper() else letter for letter in name)


HEADERS: dict[str, Callable[[str], str]] = {
    "camel": lambda name: name,
    "snake": lambda name: _spaced(name, "_"),
    "space": lambda name: _spaced(name, " ").title(),
    "upper": lambda name: _spaced(name, "_").upper(),
    "german": lambda name: GERMAN.get(name, name),
    "alternative": lambda name: ALTERNATIVE.get(name, name),
}


def export_text(desk: ApiContext, account: SandboxAccount, first: datetime, last: datetime) -> Iterator[str]:
    """The file in pieces of whole lines; both ends of the range are inside it."""
    switches = desk.shapes
    total = switches.csv_grain == "total"
    fields = list(TOTAL_FIELDS if total else FIELDS)
    if switches.csv_extra_column or switches.extra_fields:
        fields.append("agentNotes")
    if switches.csv_order == "reversed":
        fields.reverse()
    items = desk.world.conversations_between(account.name, first, last + MILLISECOND)
    rows = _totals(account, items) if total else (_row(desk, account, item) for item in items)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter={"tab": "\t"}.get(switches.csv_delimiter, switches.csv_delimiter))
    if switches.csv_bom:
        buffer.write("\ufeff")
    writer.writerow(map(HEADERS[switches.csv_headers], fields))
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(desk, row.get(name)) for name in fields])
        if number % LINES_AT_ONCE == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _row(desk: ApiContext, account: SandboxAccount, item: Conversation) -> dict[str, Cell]:
    return {
        "conversationId": item.id,
        "startedAt": _time(desk, account, item.started_at),
        "endedAt": _time(desk, account, item.ended_at),
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


def _totals(account: SandboxAccount, items: Iterator[Conversation]) -> Iterator[dict[str, Cell]]:
    counts: Counter[tuple[str, str]] = Counter()
    messages: Counter[tuple[str, str]] = Counter()
    for item in items:
        key = (str(item.started_at.astimezone(account.zone).date()), item.channel)
        counts[key] += 1
        messages[key] += item.messages
    for day, channel in counts:
        key = (day, channel)
        yield {"date": day, "channelType": channel, "conversations": counts[key], "messages": messages[key]}


def _time(desk: ApiContext, account: SandboxAccount, moment: datetime) -> str:
    form = desk.shapes.csv_times
    if form == "utc":
        return format_instant(moment)
    local = moment.astimezone(account.zone).isoformat(timespec="milliseconds")
    return local if form == "offset" else local[:23]


def _cell(desk: ApiContext, value: Cell) -> str | int | None:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.replace(".", ",") if desk.shapes.csv_decimal_comma else text
    return value
