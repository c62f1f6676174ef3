"""What is asked for, in which languages and from where: a card for each provider that tells it.

From the answers to ``intents``, ``languages`` and ``countries``.
"""

from collections.abc import Collection, Iterator, Sequence

from pipelines.report.changes import QueryRow, compare_values
from pipelines.report.format import format_count, format_number, format_percent, join_names
from pipelines.report.model import Card, CardLine, Change, Section
from pipelines.report.queries import TOP_INTENTS, QueryResult

AT_LEAST = "≥ "
_MEMBERS = 8  # languages and countries that have a line


def build_intents_section(answer: QueryResult, whole: Collection[str], providers: Sequence[str]) -> Section:
    """The most frequent intents of each provider, with the account they belong to."""
    told = {row["provider"]: row["members"] for row in answer["intents_told"]}
    cards = []
    for provider in providers:
        rows = [row for row in answer["intents"] if row["provider"] == provider]
        if rows:
            cards.append(_intent_card(provider, rows, told[provider], whole))
    cut = any(row["is_top_n"] for row in answer["intents"])
    remark = f"{AT_LEAST.strip()}: the provider's lists are cut off, so the true number may be higher." if cut else ""
    silent = [provider for provider in providers if provider not in told]
    if silent and cards:
        remark = f"{remark} No intents are told by {join_names(silent)}.".strip()
    return Section("intents", "Intents", "Top intents", "How often each intent was recognised.", cards, remark)


def build_places_section(answer: QueryResult, whole: Collection[str], providers: Sequence[str]) -> Section:
    """Languages and countries of conversations."""
    cards = [
        card
        for title, question in (("Languages", "languages"), ("Countries", "countries"))
        for provider in providers
        for card in _member_card(title, provider, answer[question], whole)
    ]
    return Section("places", "Languages", "Languages and countries", "Conversations, where a provider tells it.", cards)


def _intent_card(provider: str, rows: Sequence[QueryRow], members: int, whole: Collection[str]) -> Card:
    ordered = sorted(rows, key=lambda row: (-row["hits"], row["account"], row["intent"]))
    longest = ordered[0]["hits"]
    several = len({row["account"] for row in ordered}) > 1
    return Card(
        provider,
        unit=f"the {min(TOP_INTENTS, members)} most frequent of {format_count(members, 'intent')}"
        if members > TOP_INTENTS
        else "",
        line_headers=("intent", "hits"),
        lines=[
            CardLine(
                row["intent"],
                (AT_LEAST if row["is_top_n"] else "") + format_number(row["hits"]),
                note=row["account"] if several else "",
                bar_fraction=row["hits"] / longest,
                change=_intent_change(row, whole),
            )
            for row in ordered
        ],
    )


def _intent_change(row: QueryRow, whole: Collection[str]) -> Change | None:
    """Complete lists leave out what was never recognised; what a cut-off list leaves out is not known."""
    before = row["hits_before"]
    if before is None and not row["is_cut"]:
        before = 0
    return compare_values(row["hits"], before) if row["account"] in whole else None


def _member_card(title: str, provider: str, rows: Sequence[QueryRow], whole: Collection[str]) -> Iterator[Card]:
    own = [row for row in rows if row["provider"] == provider]
    comparable = {account for row in own for account in row["accounts"]} <= set(whole)
    now = sorted((row for row in own if row["conversations"]), key=lambda row: (-row["conversations"], row["member"]))
    if not now:
        return
    total, longest = sum(row["conversations"] for row in now), now[0]["conversations"]
    lines = [
        CardLine(
            row["member"],
            format_number(row["conversations"]),
            extra=format_percent(row["conversations"] / total),
            bar_fraction=row["conversations"] / longest,
            change=compare_values(row["conversations"], row["conversations_before"] or 0) if comparable else None,
        )
        for row in now[:_MEMBERS]
    ]
    left = sum(row["conversations"] for row in now[_MEMBERS:])
    if left:
        name = f"{len(now) - _MEMBERS} more"
        lines.append(
            CardLine(name, format_number(left), format_percent(left / total), bar_fraction=min(1, left / longest))
        )
    yield Card(f"{title}, {provider}", line_headers=(title.lower(), "conversations", "share"), lines=lines)
