"""The truth that tests ask: the rows each business view must hold, computed from the world's conversations.

One rule book per provider stands in `truth_<provider>`; docs/mapping.md is what they follow. No HTTP answer is
looked at, and nothing of the loader is imported.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date
from typing import Any

from sandbox.chatcaptain import truth as truth_chatcaptain
from sandbox.chatdash import truth as truth_chatdash
from sandbox.chatlayer import truth as truth_chatlayer
from sandbox.cognigy import truth as truth_cognigy
from sandbox.inkeep import truth as truth_inkeep
from sandbox.shapes import ResponseShapes
from sandbox.truth_rules import BLANK_CONVERSATION_DAILY, Row, TruthQuery
from sandbox.world import World

Rule = Callable[[TruthQuery], Iterable[Row]]
RULES: dict[str, dict[str, Rule]] = {
    "cognigy": truth_cognigy.RULES,
    "chatdash": truth_chatdash.RULES,
    "chatlayer": truth_chatlayer.RULES,
    "chatcaptain": truth_chatcaptain.RULES,
    "inkeep": truth_inkeep.RULES,
}
DEFAULT_STREAMS: dict[str, tuple[str, ...]] = {
    "cognigy": ("conversation_counter",),
    "chatdash": ("analytics",),
    "chatlayer": (
        "conversations",
        "conversations_by_channel",
        "conversations_by_language",
        "insights",
        "messages",
        "users",
        "intents",
        "team_usage",
        "flow",
    ),
    "chatcaptain": ("channels", "overview_report", "channel_report", "inbox", "export"),
    "inkeep": ("conversations", "conversation_totals"),
}
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
    shapes: ResponseShapes | None = None,
    conversation_ids: Sequence[str] = (),
    keep_message_texts: bool = False,
) -> list[Row]:
    """The rows of a business view for an account's local days, in no promised order.

    Each row begins `date, provider, account`, then the view's columns: dates as date, instants as datetimes in UTC,
    seconds, money and metric values as Decimal, counts as int, unknown measures as None. `channel_daily` and
    `conversation` hold `channel_code` and `is_test`, not the conformed names; `team_daily` holds `language_code`
    next to `language`; `metric_daily` holds what has no view of its own.

    Args:
        world: whose truth.
        account_name: of which account.
        view: one of `VIEWS`.
        days: local days (UTC days for `team_daily`).
        streams: what was pulled, with or without the provider's prefix; by default as docs/mapping.md says.
        shapes: the shapes in use, as far as they change what is told; by default the default ones.
        conversation_ids: the account's setting, for `flow_transition`.
        keep_message_texts: whether `privacy: {message_texts: keep}` is set.
    """
    if view not in VIEWS:
        raise ValueError(f"no view {view!r}: there are {VIEWS}")
    account = world.accounts[account_name]
    rule = RULES[account.provider].get(view)
    named = DEFAULT_STREAMS[account.provider] if streams is None else streams
    pulled = frozenset(name.removeprefix(f"{account.provider}.") for name in named)
    rows: list[Row] = []
    for day, items in world.conversations_by_day(account_name, days):
        ask = TruthQuery(
            world=world,
            account=account,
            day=day,
            conversations=items,
            streams=pulled,
            shapes=shapes or ResponseShapes(),
            conversation_ids=tuple(conversation_ids),
            keep_message_texts=keep_message_texts,
        )
        begin: dict[str, Any] = {"date": day, "provider": account.provider, "account": account_name}
        found = rule(ask) if rule else [{}] if view == "conversation_daily" else []
        blank = BLANK_CONVERSATION_DAILY if view == "conversation_daily" else {}
        rows += [{**begin, **blank, **row} for row in found]
    return rows
