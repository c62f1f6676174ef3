"""Where the fields of an answer land: the words with which each provider's transform declares it. No provider, no I/O.

That the declarations are true is measured: tests/transforms/test_lineage.py changes one field after the other.
A place is written as ``items[].perChannel[].channel``. Where an answer may be written in several ways, ``name``,
``number`` and ``instant`` stand for each of them. A column is ``view.column``, as people query it; a metric's is
``metric_daily.value (calls)``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

RECONCILIATION = "reconciliation"
"""Compared with another answer, and told there."""

LEDGER_TOTALS = "load_ledger.totals"
"""Told in the ledger as the provider's own total."""


@dataclass(frozen=True)
class FieldMapping:
    """What becomes of one field.

    ``columns`` are those that it changes. ``places``: it says which day, conversation or member the answer speaks of,
    or is refused when it says another one. ``note`` is a condition, or the reason why a field without columns is only
    landed. ``landed`` is False for what steers a request and is no part of a landed answer.
    """

    columns: tuple[str, ...] = ()
    is_routing: bool = False
    note: str = ""
    is_landed: bool = True

    def __str__(self) -> str:
        """As the document says it."""
        told = [*_grouped(self.columns)]
        told += ["places the answer"] if self.is_routing else []
        kind = ", ".join(told) or ("landed only" if self.is_landed else "not landed")
        return f"{kind}: {self.note}" if self.note else kind


FieldMappings = Mapping[str, Mapping[str, FieldMapping]]
"""The homes of each stream's fields, by place."""

ROUTING = FieldMapping(is_routing=True)


def to(*columns: str, is_routing: bool = False, note: str = "") -> FieldMapping:
    """A field that fills columns."""
    return FieldMapping(columns, is_routing, note)


def not_loaded(reason: str) -> FieldMapping:
    """A field that fills nothing."""
    return FieldMapping(note=reason)


def not_landed(reason: str) -> FieldMapping:
    """A field of an answer that is not landed: it only says how to go on asking."""
    return FieldMapping(note=reason, is_landed=False)


def metric_columns(name: str, *columns: str) -> tuple[str, ...]:
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


def describe_fields(fields: FieldMappings) -> Iterator[tuple[str, str, str]]:
    """Stream, place and what becomes of it, for each field."""
    for stream, homes in fields.items():
        for place, home in homes.items():
            yield stream, place, str(home)
