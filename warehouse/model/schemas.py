"""The schemas in which the tables stand, so that `main` holds what people query: views and marts.

What must not come in: SQL that is run, a table's declaration.
"""

STAR = "star"
BOOKS = "books"
SCHEMAS = (STAR, BOOKS)
"""The schemas beside `main`: facts and dimensions; what the loader keeps on record."""


def schema_of(table: str) -> str:
    """Return the schema of a table.

    >>> schema_of("dim_date"), schema_of("load_ledger")
    ('star', 'books')
    """
    return STAR if table.startswith(("fact_", "dim_")) else BOOKS


def name_with_schema(table: str) -> str:
    """Return a declared table's quoted name, with its schema.

    >>> name_with_schema("dim_date")
    '"star"."dim_date"'
    """
    return f'"{schema_of(table)}"."{table}"'
