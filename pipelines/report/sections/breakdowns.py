"""Intents, languages and countries: a card for each provider that reports them.

The rows are those of the queries ``intents``, ``intent_counts``, ``languages`` and ``countries``; SQL and HTML do not
belong here.
"""

from collections.abc import Collection, Iterator, Sequence

from pipelines.report.changes import compare_values, list_comparable_accounts
from pipelines.report.format import format_count, format_number, format_percent, join_names
from pipelines.report.model import Card, CardLine, Change, Section
from pipelines.report.queries import TOP_INTENTS, QueryResult, QueryRow

AT_LEAST = "≥ "
_MAX_MEMBERS = 8  # languages or countries with a line of their own


def build_intents_section(
    results: QueryResult, complete_accounts: Collection[str], providers: Sequence[str]
) -> Section:
    """Build a card of the most frequent intents for each provider, with the account of each intent."""
    comparable = list_comparable_accounts(results["breakdown_days"], "intent", complete_accounts)
    intent_counts = {row["provider"]: row["intents"] for row in results["intent_counts"]}
    cards = []
    for provider in providers:
        rows = [row for row in results["intents"] if row["provider"] == provider]
        if rows:
            cards.append(_build_intent_card(provider, rows, intent_counts[provider], comparable))
    is_cut = any(row["is_top_n"] for row in results["intents"])
    remark = f"{AT_LEAST.strip()}: the provider cuts its lists off, so the true number may be higher." if is_cut else ""
    silent = [provider for provider in providers if provider not in intent_counts]
    if silent and cards:
        remark = f"{remark} No intents are reported by {join_names(silent)}.".strip()
    return Section("intents", "Intents", "Top intents", "How often each intent was recognised.", cards, remark)


def build_places_section(results: QueryResult, complete_accounts: Collection[str], providers: Sequence[str]) -> Section:
    """Build the cards of conversations by language and by country."""
    cards = [
        card
        for title, query, member in (("Languages", "languages", "language"), ("Countries", "countries", "country"))
        for comparable in [list_comparable_accounts(results["breakdown_days"], member, complete_accounts)]
        for provider in providers
        for card in _build_member_card(title, provider, results[query], comparable)
    ]
    lead = "Conversations by language and by country, where the provider reports them."
    return Section("places", "Languages", "Languages and countries", lead, cards)


def _build_intent_card(
    provider: str, rows: Sequence[QueryRow], intent_count: int, comparable_accounts: Collection[str]
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
    )


def _compare_intent(row: QueryRow, comparable_accounts: Collection[str]) -> Change | None:
    """Return the change of an intent's hits against the days before.

    An intent missing from a complete list had no hits; one missing from a cut-off list had an unknown number of hits.
    """
    hits_before = row["hits_before"]
    if hits_before is None and not row["is_cut"]:
        hits_before = 0
    return compare_values(row["hits"], hits_before) if row["account"] in comparable_accounts else None


def _build_member_card(
    title: str, provider: str, rows: Sequence[QueryRow], comparable_accounts: Collection[str]
) -> Iterator[Card]:
    own = [row for row in rows if row["provider"] == provider]
    is_comparable = {account for row in own for account in row["accounts"]} <= set(comparable_accounts)
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
            change=compare_values(row["conversations"], row["conversations_before"] or 0) if is_comparable else None,
        )
        for row in now[:_MAX_MEMBERS]
    ]
    left = sum(row["conversations"] for row in now[_MAX_MEMBERS:])
    if left:
        name = f"{len(now) - _MAX_MEMBERS} more"
        lines.append(
            CardLine(name, format_number(left), format_percent(left / total), bar_fraction=min(1, left / longest))
        )
    yield Card(f"{title}, {provider}", line_headers=(title.lower(), "conversations", "share"), lines=lines)
