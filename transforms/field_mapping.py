"""Where the fields of an answer land: the words with which each provider's transform declares it. No provider, no I/O.

That the declarations are true is measured: tests/transforms/test_lineage.py changes one field after the other.
A place is written as ``items[].perChannel[].channel``. Where an answer may be written in several ways, ``name``,
``number`` and ``instant`` stand for each of them. A column is ``view.column``, as people query it; a metric's is
``metric_daily.value (calls)``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RECONCILED = "reconciliation"
"""Compared with another answer, and told there."""

TOTALS = "load_ledger.totals"
"""Told in the ledger as the provider's own total."""


@dataclass(frozen=True)
class Home:
    """What becomes of one field.

    ``columns`` are those that it changes. ``places``: it says which day, conversation or member the answer speaks of,
    or is refused when it says another one. ``note`` is a condition, or the reason why a field without columns is only
    landed. ``landed`` is False for what steers a request and is no part of a landed answer.
    """

    columns: tuple[str, ...] = ()
    places: bool = False
    note: str = ""
    landed: bool = True

    def __str__(self) -> str:
        """As the document says it."""
        told = [*_grouped(self.columns)]
        told += ["places the answer"] if self.places else []
        kind = ", ".join(told) or ("landed only" if self.landed else "not landed")
        return f"{kind}: {self.note}" if self.note else kind


Fields = Mapping[str, Mapping[str, Home]]
"""The homes of each stream's fields, by place."""

PLACES = Home(places=True)


def lands(*columns: str, places: bool = False, note: str = "") -> Home:
    """A field that fills columns."""
    return Home(columns, places, note)


def landed_only(reason: str) -> Home:
    """A field that fills nothing."""
    return Home(note=reason)


def steers(what: str) -> Home:
    """A field of an answer that is not landed: it only says how to go on asking."""
    return Home(note=what, landed=False)


def metric(name: str, *columns: str) -> tuple[str, ...]:
    """Columns of ``metric_daily`` for one metric; without columns its value."""
    return tuple(f"metric_daily.{column} ({name})" for column in columns or ("value",))


def _grouped(columns: tuple[str, ...]) -> Iterator[str]:
    """Each column once, with the metrics whose rows it stands in."""
    metrics: dict[str, list[str]] = {}
    for column in columns:
        name, _, told = column.partition(" ")
        metrics.setdefault(name, []).extend(filter(None, [told.strip("()")]))
    for name, named in metrics.items():
        shown = f"`{name}`" if "." in name else name
        yield f"{shown} of {', '.join(f'`{each}`' for each in named)}" if named else shown


def rows(fields: Fields) -> Iterator[tuple[str, str, str]]:
    """Stream, place and what becomes of it, for each field."""
    for stream, homes in fields.items():
        for place, home in homes.items():
            yield stream, place, str(home)
