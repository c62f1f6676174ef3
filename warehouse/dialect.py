"""Queries as people write them, for an engine whose grammar reserves more words than theirs. No connection here.

DuckDB takes `days`, `month`, `hours` and their like for units of time, so that `count(*) days` is no alias to it; many
other engines accept it. Such a query is spelled out with `AS` and asked again.
"""


def spell_out_aliases(query: str) -> str | None:
    """The same query with every alias behind `AS`; None for what is no SQL under a wider grammar either."""
    import sqlglot  # only a query that the engine refuses needs it

    try:
        statements = sqlglot.transpile(query, read="duckdb", write="duckdb")
    except sqlglot.errors.SqlglotError:
        return None
    return ";\n".join(statement for statement in statements if statement) or None
