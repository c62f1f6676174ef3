"""SQL text: quoting, templates, derived keys, and the merge that upserts dimensions.

Only names of the declared schema and quoted literals are put into a template; staged values stay in their tables.
What must not come in: a connection, a table's own rule.
"""

from __future__ import annotations  # a reader of the warehouse needs this module, and no table

from collections.abc import Iterable, Mapping
from string import Template
from typing import TYPE_CHECKING

from warehouse.model.literals import day_literal, literal
from warehouse.model.members import UNKNOWN

if TYPE_CHECKING:
    from sqlalchemy import Table

__all__ = [
    "UNKNOWN",
    "day_literal",
    "fill",
    "ident",
    "identifier_list",
    "literal",
    "member_key_sql",
    "surrogate_key_sql",
    "upsert_sql",
]


def ident(name: str) -> str:
    """Return `name` as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def identifier_list(names: Iterable[str], pattern: str = "$name") -> str:
    """Return a comma-separated list: `pattern` with every name, as a quoted identifier, in place of `$name`."""
    template = Template(pattern)
    return ", ".join(template.substitute(name=ident(name)) for name in names)


def fill(template: str, /, **parts: str) -> str:
    """Return the statement `template` with every `$part` replaced. Raises KeyError for a missing part."""
    return Template(template).substitute(parts)


def surrogate_key_sql(natural: str) -> str:
    """Return the derived key of the SQL expression `natural`: the first 60 bits of its md5 as BIGINT."""
    return fill("CAST('0x' || substr(md5($natural), 1, 15) AS BIGINT)", natural=natural)


def member_key_sql(dimension: str, member: str, *, account: str, provider: str) -> str:
    """Return the key of the SQL expression `member` in `dimension`; the key of the member `unknown` is 0."""
    scope: Mapping[str, str] = {"dim_channel": provider, "dim_intent": account}
    natural = f"{literal(scope[dimension] + '|')} || {member}" if dimension in scope else member
    return fill(
        "CASE WHEN $member = $unknown THEN 0 ELSE $key END",
        member=member,
        unknown=literal(UNKNOWN),
        key=surrogate_key_sql(natural),
    )


_MERGE = """
MERGE INTO wh.$table AS old USING ($source) AS new ON old.$key = new.$key
WHEN MATCHED AND ($changed) THEN UPDATE SET $assigned
WHEN NOT MATCHED THEN INSERT ($columns) VALUES ($values)
"""


def upsert_sql(table: Table, source: str, *, keep: tuple[str, ...] = ()) -> str:
    """Return the statement that inserts or corrects the members of the query `source` in the dimension `table`.

    `source` has all columns of `table`. The columns `keep` of a known member stay as they are.
    """
    key, *rest = table.columns.keys()
    attributes = [name for name in rest if name not in keep]
    return fill(
        _MERGE,
        table=ident(table.name),
        source=source,
        key=ident(key),
        changed=" OR ".join(f"old.{ident(name)} IS DISTINCT FROM new.{ident(name)}" for name in attributes),
        assigned=identifier_list(attributes, "$name = new.$name"),
        columns=identifier_list([key, *rest]),
        values=identifier_list([key, *rest], "new.$name"),
    )
