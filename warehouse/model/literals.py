"""SQL literals of texts and days, for every package that writes SQL.

What must not come in: identifiers, templates, statements (`warehouse.sql`), a connection.
"""

from datetime import date


def literal(text: str) -> str:
    """Return `text` as a quoted SQL literal.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def day_literal(day: date) -> str:
    """Return a calendar day as a SQL literal of type DATE.

    >>> day_literal(date(2025, 3, 30))
    "DATE '2025-03-30'"
    """
    return f"DATE {literal(day.isoformat())}"
