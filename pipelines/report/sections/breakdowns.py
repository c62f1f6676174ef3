"""What is asked for, in which languages and from where: a card for each provider that tells it.

From the answers to ``intents``, ``languages`` and ``countries``.
"""

from collections.abc import Collection, Iterator, Sequence

from pipelines.report import format as words
from pipelines.report.changes import Row, change
from pipelines.report.model import Card, Change, Line, Section
from pipelines.report.queries import MOST, Answer

AT_LEAST = "≥ "
_MEMBERS = 8  # languages and countries that have a line


def intents(answer: Answer, whole: Collection[str], providers: Sequence[str]) -> Section:
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
        remark = f"{remark} No intents are told by {words.listed(silent)}.".strip()
    return Section("intents", "Intents", "Top intents", "How often each intent was recognised.", cards, remark)


def places(answer: Answer, whole: Collection[str], providers: Sequence[str]) -> Section:
    """Languages and countries of conversations."""
    cards = [
        card
        for title, question in (("Languages", "languages"), ("Countries", "countries"))
        for provider in providers
        for card in _member_card(title, provider, answer[question], whole)
    ]
    return Section("places", "Languages", "Languages and countries", "Conversations, where a provider tells it.", cards)


def _intent_card(provider: str, rows: Sequence[Row], members: int, whole: Collection[str]) -> Card:
    ordered = sorted(rows, key=lambda row: (-row["hits"], row["account"], row["intent"]))
    longest = ordered[0]["hits"]
    several = len({row["account"] for row in ordered}) > 1
    return Card(
        provider,
        unit=f"the {min(MOST, members)} most frequent of {words.plural(members, 'intent')}" if members > MOST else "",
        heads=("intent", "hits"),
        lines=[
            Line(
                row["intent"],
                (AT_LEAST if row["is_top_n"] else "") + words.number(row["hits"]),
                note=row["account"] if several else "",
                bar=row["hits"] / longest,
                change=_intent_change(row, whole),
            )
            for row in ordered
        ],
    )


def _intent_change(row: Row, whole: Collection[str]) -> Change | None:
    """Complete lists leave out what was never recognised; what a cut-off list leaves out is not known."""
    before = row["hits_before"]
    if before is None and not row["is_cut"]:
        before = 0
    return change(row["hits"], before) if row["account"] in whole else None


def _member_card(title: str, provider: str, rows: Sequence[Row], whole: Collection[str]) -> Iterator[Card]:
    own = [row for row in rows if row["provider"] == provider]
    comparable = {account for row in own for account in row["accounts"]} <= set(whole)
    now = sorted((row for row in own if row["conversations"]), key=lambda row: (-row["conversations"], row["member"]))
    if not now:
        return
    total, longest = sum(row["conversations"] for row in now), now[0]["conversations"]
    lines = [
        Line(
            row["member"],
            words.number(row["conversations"]),
            extra=words.percent(row["conversations"] / total),
            bar=row["conversations"] / longest,
            change=change(row["conversations"], row["conversations_before"] or 0) if comparable else None,
        )
        for row in now[:_MEMBERS]
    ]
    left = sum(row["conversations"] for row in now[_MEMBERS:])
    if left:
        name = f"{len(now) - _MEMBERS} more"
        lines.append(Line(name, words.number(left), words.percent(left / total), bar=min(1, left / longest)))
    yield Card(f"{title}, {provider}", heads=(title.lower(), "conversations", "share"), lines=lines)
