"""SQL text: quoting, templates, derived keys, and the merge that upserts dimensions.

Only names of the declared schema and quoted literals are put into a template; staged values stay in their tables.
What must not come in: a connection, a table's own rule.
"""

from __future__ import annotations  # a reader of the warehouse needs this module, and no table

import hashlib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from string import Template
from typing import TYPE_CHECKING

from warehouse.model.literals import day_literal, literal
from warehouse.model.members import UNKNOWN

if TYPE_CHECKING:
    from sqlalchemy import Table

__all__ = [
    "UNKNOWN",
    "day_literal",
    "difference_sql",
    "fill",
    "ident",
    "identifier_list",
    "literal",
    "member_key",
    "member_key_sql",
    "surrogate_key",
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


@lru_cache(maxsize=1 << 14)  # a commit needs the keys of its accounts and channels hundreds of times
def surrogate_key(natural: str) -> int:
    """Return the derived key of a natural one, as `surrogate_key_sql` computes it."""
    return int(hashlib.md5(natural.encode(), usedforsecurity=False).hexdigest()[:15], 16)


def member_key(dimension: str, member: str, *, account: str, provider: str) -> int:
    """Return the key of a member, other than `unknown`, in `dimension`, as `member_key_sql` computes it."""
    scope = {"dim_channel": provider, "dim_intent": account}
    return surrogate_key(f"{scope[dimension]}|{member}" if dimension in scope else member)


def member_key_sql(dimension: str, member: str, *, account: str = "account", provider: str = "provider") -> str:
    """Return the key of the SQL expression `member` in `dimension`; the key of the member `unknown` is 0.

    `account` and `provider` are SQL expressions too: without them the columns of these names.
    """
    scope: Mapping[str, str] = {"dim_channel": provider, "dim_intent": account}
    natural = f"{scope[dimension]} || '|' || {member}" if dimension in scope else member
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


def difference_sql(table: Table, source: str, *, keep: tuple[str, ...] = ()) -> str:
    """Return the query of those members of the relation `source` that are new in the dimension `table`, or differ.

    Differences in the columns `keep` do not count. The query has all columns of `table`.
    """
    key, *rest = table.columns.keys()
    return fill(
        "SELECT $columns FROM $source AS new LEFT JOIN wh.$table AS old ON old.$key = new.$key "
        "WHERE old.$key IS NULL OR $changed",
        columns=identifier_list([key, *rest], "new.$name"),
        source=ident(source),
        table=ident(table.name),
        key=ident(key),
        changed=_changed_sql(name for name in rest if name not in keep),
    )


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
        changed=_changed_sql(attributes),
        assigned=identifier_list(attributes, "$name = new.$name"),
        columns=identifier_list([key, *rest]),
        values=identifier_list([key, *rest], "new.$name"),
    )


def _changed_sql(columns: Iterable[str]) -> str:
    return " OR ".join(f"old.{ident(name)} IS DISTINCT FROM new.{ident(name)}" for name in columns)
