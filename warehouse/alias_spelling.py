"""Rewrites a query that DuckDB's grammar refuses and other engines accept. No connection here.

DuckDB takes `days`, `month`, `hours` and similar words for units of time. So `count(*) days` has no alias there; many
other engines read one. Such a query is run again with its aliases behind `AS`.
"""


def spell_out_aliases(query: str) -> str | None:
    """Return the query with every alias behind `AS`; None when it is no SQL under a wider grammar either."""
    import sqlglot  # imported late: only a query that the engine refuses needs it

    try:
        statements = sqlglot.transpile(query, read="duckdb", write="duckdb")
    except sqlglot.errors.SqlglotError:
        return None
    return ";\n".join(statement for statement in statements if statement) or None
