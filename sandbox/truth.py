"""The truth that tests compare with: the rows that each business view must hold, from the world's conversations.

The rules of a provider are in `sandbox/<provider>/truth.py` and follow docs/mapping.md. No HTTP response is read, and
nothing of the loader is imported.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sandbox.common_shapes import CommonShapes
from sandbox.shapes import ResponseShapes
from sandbox.truth_rules import BLANK_CONVERSATION_DAILY, Row, TruthQuery
from sandbox.vendors import get_vendor
from sandbox.world import World

VIEWS = (
    "conversation_daily",
    "channel_daily",
    "intent_daily",
    "language_daily",
    "country_daily",
    "metric_daily",
    "team_daily",
    "conversation",
    "conversation_intent",
    "flow_transition",
    "end_reason_daily",
    "topic_daily",
    "token_daily",
    "type_daily",
    "inbox_daily",
)


def compute_truth(
    world: World,
    account_name: str,
    view: str,
    days: Iterable[date],
    *,
    streams: Collection[str] | None = None,
    shapes: CommonShapes | None = None,
    conversation_ids: Sequence[str] = (),
    keep_message_texts: bool = False,
) -> list[Row]:
    """Return the rows of a business view for an account's local days, in no particular order.

    Each row begins `date, provider, account`, then the view's columns: dates as date, instants as datetimes in UTC,
    seconds, money and metric values as Decimal, counts as int, unknown measures as None. `channel_daily` and
    `conversation` hold `channel_code` and `is_test`, not the conformed names; `team_daily` holds `language_code`
    next to `language`; `metric_daily` holds the metrics that have no view of their own.

    Args:
        world: the world.
        account_name: an account of the world.
        view: one of `VIEWS`.
        days: local days of the account (UTC days for `team_daily`).
        streams: the streams that were pulled, with or without the provider's prefix; by default those that
            docs/mapping.md names.
        shapes: the shapes in use, as far as they change what the provider reports; by default the default ones.
        conversation_ids: the account's setting, for `flow_transition`.
        keep_message_texts: whether `privacy: {message_texts: keep}` is set.

    Raises:
        ValueError: for an unknown view.
        KeyError: for an unknown account.

    Example:
        >>> from datetime import date
        >>> (row,) = compute_truth(World(seed=7), "acme-docs", "conversation_daily", [date(2025, 3, 4)])
        >>> row["provider"], row["conversations"], row["messages"]
        ('inkeep', 52, None)
    """
    if view not in VIEWS:
        raise ValueError(f"view {view!r} is none of {VIEWS}")
    account = world.accounts[account_name]
    vendor = get_vendor(account.provider)
    rule = vendor.truth.get(view)
    named_streams = vendor.default_streams if streams is None else streams
    pulled_streams = frozenset(name.removeprefix(f"{vendor.name}.") for name in named_streams)
    rows: list[Row] = []
    for day, items in world.conversations_by_day(account_name, days):
        query = TruthQuery(
            world=world,
            account=account,
            day=day,
            conversations=items,
            streams=pulled_streams,
            shapes=shapes or ResponseShapes(),
            conversation_ids=tuple(conversation_ids),
            keep_message_texts=keep_message_texts,
        )
        key: dict[str, Any] = {"date": day, "provider": vendor.name, "account": account_name}
        blank = BLANK_CONVERSATION_DAILY if view == "conversation_daily" else {}
        measures = rule(query) if rule else [{}] if view == "conversation_daily" else []
        rows += [{**key, **blank, **row} for row in measures]
    return rows
