"""The effects that a change of an answer may declare, and the outcomes that each of them allows.

``check`` returns None for a right outcome, else the fault in words. A refusal is right for every effect but those that
say that the answer must be read (``Same`` without ``may_refuse``).
"""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from tests.fuzz.judge import TOLERANCE, FuzzOutcome, Snapshot, sum_by_day

Facts = tuple[Snapshot, Snapshot | None]
"""The facts without and with the change."""


@dataclass(frozen=True)
class Same:
    """The answer means the same: the facts are equal, and there may be drift."""

    may_refuse: bool = False

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None:
            return None if self.may_refuse else "refused, although it means the same"
        return None if outcome.is_equal else "means the same, and other facts were loaded"


@dataclass(frozen=True)
class Extra:
    """A field that is not known: the facts are equal and the field is reported as drift.

    ``may_refuse``: it may be the missing field beside it, under another name.
    """

    may_refuse: bool = False

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None:
            return None if self.may_refuse else "refused, although only a field was added"
        if not outcome.is_equal:
            return "a field was added, and other facts were loaded"
        return None if outcome.new_drift else "an unknown field is not reported as drift"


@dataclass(frozen=True)
class Refused:
    """The answer cannot be read, or is not the one that was requested. ``may_ignore``: the place is not loaded."""

    reason: str
    may_ignore: bool = False

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None or (self.may_ignore and outcome.is_equal):
            return None
        return f"loaded, although {self.reason}"


@dataclass(frozen=True)
class NumberChanged:
    """One number changed by ``by``: cells of ``columns`` change by it (times a unit's factor), and no others."""

    by: Decimal
    columns: Collection[str]
    is_required: bool = True

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None:
            return None
        if not outcome.changes:
            is_known = bool(outcome.new_unexplained) or not self.is_required or not self.by
            return None if is_known else "a changed number changed nothing"
        is_exact = False
        for change in outcome.changes:
            if change.after is None and change.column in ("is_top_n", "rank"):
                continue  # a member with zero has no row
            if change.before is None and change.after == 0:
                continue  # and has one when another of its numbers is not zero
            if change.view_column not in self.columns:
                return f"a number changed another column ({change.view_column})"
            delta = change.delta
            if delta is None:
                return f"a number changed a text ({change.view_column})"
            fits = [abs(abs(delta) - abs(self.by * factor)) <= TOLERANCE for factor in (1, 60, Decimal("0.001"))]
            if any(fits) and (delta >= 0) == (self.by >= 0):
                is_exact = True
            elif not any(fits) and abs(delta) > abs(self.by):
                return f"a number changed by {self.by} and its column by {delta} ({change.view_column})"
        return None if is_exact or outcome.new_unexplained else "no column changed by the changed number"


@dataclass(frozen=True)
class NameChanged:
    """A name changed: rows move to another member, and all sums of a day stay."""

    columns: Collection[str]
    is_required: bool = True

    def check(self, outcome: FuzzOutcome, facts: Facts) -> str | None:
        before, after = facts
        if outcome.error is not None or after is None or outcome.new_unexplained:
            return None
        if not outcome.changes:
            return None if not self.is_required else "a changed name changed nothing"
        lost = sum_by_day(before.rows, by_day=True)
        kept = sum_by_day(after.rows, by_day=True)
        differing = [key for key in {*lost, *kept} if lost.get(key, 0) != kept.get(key, 0)]
        shown = {f"{key[0]}.{key[3]}" for key in differing}
        unknown = [name for name in shown if not any(_is_column(name, column) for column in self.columns)]
        return f"a changed name changed the sum of {unknown[0]}" if unknown else None


@dataclass(frozen=True)
class Moved:
    """An instant moved within what was requested: sums over all days stay, and something changes."""

    columns: Collection[str] = ()

    def check(self, outcome: FuzzOutcome, facts: Facts) -> str | None:
        before, after = facts
        if outcome.error is not None or after is None:
            return None
        if outcome.is_equal:
            return "a moved instant changed nothing"
        lost, kept = sum_by_day(before.rows, by_day=False), sum_by_day(after.rows, by_day=False)
        differing = sorted(
            str(key) for key in {*lost, *kept} if lost.get(key, 0) != kept.get(key, 0) and not _is_distinct(key)
        )
        return (
            f"a moved instant changed the sum of {differing[0]}" if differing and not outcome.new_unexplained else None
        )


@dataclass(frozen=True)
class Unknown:
    """A value is missing: cells of ``columns`` become NULL, their rows are left out, and no other number appears.

    ``may_be_zero``: the provider leaves zeros out, so a missing value is zero.
    """

    columns: Collection[str]
    may_be_zero: bool = False

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None:
            return None
        for change in outcome.changes:
            if change.column == "" or change.column in ("is_top_n", "rank"):
                continue
            if not any(_is_column(change.view_column, column) for column in self.columns):
                return f"a missing value changed another column ({change.view_column})"
            if change.after is None or change.delta is None:
                continue
            if not self.may_be_zero and not outcome.new_unexplained:
                kind = "zero" if change.after == 0 else "another number"
                return f"a missing value became {kind} ({change.view_column})"
        return None


@dataclass(frozen=True)
class Fewer:
    """Rows are missing and nothing shows it: their numbers are missing from sums, and nothing else changes."""

    columns: Collection[str]
    at_most: Decimal

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None:
            return None
        for change in outcome.changes:
            if change.column in ("", "is_top_n", "rank") or change.delta is None:
                continue
            if not any(_is_column(change.view_column, column) for column in self.columns):
                return f"a missing row changed another column ({change.view_column})"
            if abs(change.delta) > self.at_most * 60 + TOLERANCE:
                return f"a missing row changed a number by more than it held ({change.view_column})"
        return None


@dataclass(frozen=True)
class Doubled:
    """A row stands twice. It is counted once, or the answer is refused; ``may_add``: names may repeat, and add up."""

    columns: Collection[str]
    at_most: Decimal
    may_add: bool = False

    def check(self, outcome: FuzzOutcome, facts: Facts) -> str | None:
        if outcome.error is not None or outcome.is_equal or outcome.new_unexplained:
            return None
        if not self.may_add:
            return "a repeated row was counted twice"
        return Fewer(self.columns, self.at_most).check(outcome, facts)


@dataclass(frozen=True)
class AnyWord:
    """Whatever is loaded, a word is said: refused, equal, unexplained or drift."""

    reason: str

    def check(self, outcome: FuzzOutcome, _facts: Facts) -> str | None:
        if outcome.error is not None or outcome.is_equal or outcome.new_unexplained or outcome.new_drift:
            return None
        return f"loaded without a word, although {self.reason}"


Effect = Same | Extra | Refused | NumberChanged | NameChanged | Moved | Unknown | Fewer | Doubled | AnyWord


def _is_column(shown: str, declared: str) -> bool:
    return shown.split(" ")[0] == declared.split(" ")[0] or shown.split(".")[0] == declared.split(".")[0]


def _is_distinct(key: tuple[str, ...]) -> bool:
    return key[3] == "unique_users"
