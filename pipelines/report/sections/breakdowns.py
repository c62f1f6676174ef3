"""Intents, languages, countries, reasons of ends and targets of handovers: a card for each provider that reports them.

The rows are those of the queries ``intents``, ``intent_counts``, ``languages``, ``countries``, ``end_reasons`` and
``handovers``; SQL and HTML do not belong here.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from pipelines.report.changes import compare_values, list_comparable_accounts
from pipelines.report.content import Content
from pipelines.report.format import format_count, format_number, format_percent, join_names
from pipelines.report.languages import name_language
from pipelines.report.model import Card, CardLine, Change, Section
from pipelines.report.queries import TOP_INTENTS, QueryRow

AT_LEAST = "≥ "
_MAX_MEMBERS = 8  # members with a line of their own


@dataclass(frozen=True)
class _Members:
    """A breakdown whose members are lines: the title of its cards, its query, its member, and the members' names."""

    title: str
    query: str
    member: str
    header: str
    format_name: Callable[[str], str] = str


_LANGUAGES = _Members("Languages", "languages", "language", "language", name_language)
_COUNTRIES = _Members("Countries", "countries", "country", "country")
_END_REASONS = _Members("Ends by reason", "end_reasons", "end_reason", "reason")


def build_intents_section(content: Content) -> Section:
    """Build a card of the most frequent intents for each provider, with the account of each intent."""
    comparable = list_comparable_accounts(content.results["breakdown_days"], "intent", content.complete_accounts)
    intent_counts = {row["provider"]: row["intents"] for row in content.results["intent_counts"]}
    cards = []
    for provider in content.providers:
        rows = content.list_rows("intents", provider)
        if rows:
            sql = content.sql.write("intents", provider)
            cards.append(_build_intent_card(provider, rows, intent_counts[provider], comparable, sql))
    is_cut = any(row["is_top_n"] for row in content.results["intents"])
    remark = f"{AT_LEAST.strip()}: the provider cuts its lists off, so the true number may be higher." if is_cut else ""
    silent = [provider for provider in content.providers if provider not in intent_counts]
    if silent and cards:
        remark = f"{remark} No intents are reported by {join_names(silent)}.".strip()
    return Section("intents", "Intents", "Top intents", "How often each intent was recognised.", cards, remark)


def build_places_section(content: Content) -> Section:
    """Build the cards of conversations by language and by country."""
    cards = [*_build_member_cards(content, _LANGUAGES), *_build_member_cards(content, _COUNTRIES)]
    lead = "Conversations by language and by country, where the provider reports them."
    return Section("places", "Languages", "Languages and countries", lead, cards)


def build_ends_section(content: Content) -> Section:
    """Build the cards of handovers by target and of ends by reason."""
    cards = [card for provider in content.providers for card in _build_handover_card(content, provider)]
    cards += _build_member_cards(content, _END_REASONS)
    lead = "Why conversations ended, and to whom they were handed over, in each provider's own words."
    return Section("ends", "Handovers", "Handovers and ends", lead, cards)


def _build_intent_card(
    provider: str, rows: Sequence[QueryRow], intent_count: int, comparable_accounts: Collection[str], sql: str
) -> Card:
    ordered = sorted(rows, key=lambda row: (-row["hits"], row["account"], row["intent"]))
    longest = ordered[0]["hits"]
    has_several_accounts = len({row["account"] for row in ordered}) > 1
    return Card(
        provider,
        unit=f"the {min(TOP_INTENTS, intent_count)} most frequent of {format_count(intent_count, 'intent')}"
        if intent_count > TOP_INTENTS
        else "",
        line_headers=("intent", "hits"),
        lines=[
            CardLine(
                row["intent"],
                (AT_LEAST if row["is_top_n"] else "") + format_number(row["hits"]),
                note=row["account"] if has_several_accounts else "",
                bar_fraction=row["hits"] / longest,
                change=_compare_intent(row, comparable_accounts),
            )
            for row in ordered
        ],
        sql=sql,
    )


def _compare_intent(row: QueryRow, comparable_accounts: Collection[str]) -> Change | None:
    """Return the change of an intent's hits against the days before.

    An intent missing from a complete list had no hits; one missing from a cut-off list had an unknown number of hits.
    """
    hits_before = row["hits_before"]
    if hits_before is None and not row["is_cut"]:
        hits_before = 0
    return compare_values(row["hits"], hits_before) if row["account"] in comparable_accounts else None


def _build_member_cards(content: Content, members: _Members) -> Iterator[Card]:
    comparable = list_comparable_accounts(content.results["breakdown_days"], members.member, content.complete_accounts)
    for provider in content.providers:
        yield from _build_member_card(content, provider, members, comparable)


def _build_member_card(
    content: Content, provider: str, members: _Members, comparable_accounts: Collection[str]
) -> Iterator[Card]:
    own = content.list_rows(members.query, provider)
    is_comparable = {account for row in own for account in row["accounts"]} <= set(comparable_accounts)
    now = sorted((row for row in own if row["conversations"]), key=lambda row: (-row["conversations"], row["member"]))
    if not now:
        return
    total, longest = sum(row["conversations"] for row in now), now[0]["conversations"]
    lines = [
        CardLine(
            members.format_name(row["member"]),
            format_number(row["conversations"]),
            extra=format_percent(row["conversations"] / total),
            note=_name_variants(row, members),
            bar_fraction=row["conversations"] / longest,
            change=compare_values(row["conversations"], row["conversations_before"] or 0) if is_comparable else None,
        )
        for row in now[:_MAX_MEMBERS]
    ]
    left = sum(row["conversations"] for row in now[_MAX_MEMBERS:])
    if left:
        lines.append(_build_rest_line(len(now) - _MAX_MEMBERS, left, total, longest))
    yield Card(
        f"{members.title}, {provider}",
        line_headers=(members.header, "conversations", "share"),
        lines=lines,
        sql=content.sql.write(members.query, provider),
    )


def _name_variants(row: QueryRow, members: _Members) -> str:
    """Return the codes of a language that has regions or scripts, such as pt-BR and pt-PT of Portuguese."""
    is_named = members.format_name(row["member"]) != row["member"]
    return ", ".join(sorted(row["codes"])) if is_named and row["codes"] != [row["member"]] else ""


def _build_rest_line(count: int, left: int, total: int, longest: int) -> CardLine:
    name = f"{count} more"
    return CardLine(name, format_number(left), format_percent(left / total), bar_fraction=min(1, left / longest))


def _build_handover_card(content: Content, provider: str) -> Iterator[Card]:
    """Build the card of handovers by target. There is no change: a target may not have been reported before."""
    counts: dict[str, int] = {}
    for row in content.list_rows("handovers", provider):
        counts[row["target"]] = counts.get(row["target"], 0) + row["handovers"]
    if not counts:
        return
    ranked = sorted(counts, key=lambda target: (-counts[target], target))
    total, longest = sum(counts.values()), counts[ranked[0]]
    lines = [
        CardLine(
            target,
            format_number(counts[target]),
            extra=format_percent(counts[target] / total),
            bar_fraction=counts[target] / longest,
        )
        for target in ranked[:_MAX_MEMBERS]
    ]
    left = sum(counts[target] for target in ranked[_MAX_MEMBERS:])
    if left:
        lines.append(_build_rest_line(len(ranked) - _MAX_MEMBERS, left, total, longest))
    yield Card(
        f"Handovers by target, {provider}",
        unit=f"{format_count(total, 'conversation')} handed over",
        line_headers=("target", "conversations", "share"),
        lines=lines,
        sql=content.sql.write("handovers", provider),
    )
