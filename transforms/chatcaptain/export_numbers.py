"""The number cells of a ChatCaptain export as SQL: which sign is decimal, which groups thousands, and the value.

One file has one decimal sign. ``1.234`` and ``1,234`` show neither sign as decimal; the other numbers of the file, or
the account's ``export_decimal_sign``, decide them. Rules: docs/mapping.md. What must not come in: the other cells.
"""

COUNTS = ("messages", "user_messages", "interactions", "conversations")
DECIMALS = {"intent_score": "DECIMAL(18, 9)", "duration_seconds": "DECIMAL(18, 3)"}

POINT, COMMA, OPEN = 1, 2, 4
"""Marks of a number cell, to be combined with OR: it shows a decimal point or a decimal comma; it is read only when the
decimal sign is known."""

_BLANKS = r"['’ \x{00A0}\x{2009}\x{202F}]"  # apostrophes and spaces group thousands only
_EITHER_WAY = r"[+-]?[1-9]\d{0,2}[.,]\d{3}"


def _decimal_form(sign: str) -> str:
    return rf"[+-]?(\d+([{sign}]\d*)?|[{sign}]\d+)([eE][+-]?\d+)?"


def _grouped_form(sign: str) -> str:
    other_sign = "," if sign == "." else "."
    return rf"[+-]?[1-9]\d{{0,2}}(([{other_sign}]\d{{3}})+|({_BLANKS}\d{{3}})+)([{sign}]\d+)?"


def _matches(form: str) -> str:
    pattern = form.replace("'", "''")
    return f"regexp_full_match(trim(cell), '{pattern}')"


def _plain_text(sign: str) -> str:
    """Return the WHEN branches that turn a cell with this decimal sign into digits with a decimal point."""
    groups = f"{'[,]' if sign == '.' else '[.]'}|{_BLANKS}".replace("'", "''")
    ungrouped = f"regexp_replace(trim(cell), '{groups}', '', 'g')"
    return (
        f"WHEN {_matches(_decimal_form(sign))} THEN replace(trim(cell), '{sign}', '.') "
        f"WHEN {_matches(_grouped_form(sign))} THEN replace({ungrouped}, '{sign}', '.') "
    )


def _shown_sign(sign: str) -> str:
    return f"{_matches(_decimal_form(sign))} OR {_matches(_grouped_form(sign))}"


def build_number_macros(decimal_sign: str | None) -> str:
    """Return the SQL of the functions ``number_text``, ``whole`` and ``sign_marks`` for a file's decimal sign.

    None reads only the cells that can be read in one way. ``sign_marks(cell, is_count)`` is the OR of ``POINT``,
    ``COMMA`` and ``OPEN``; it is 0 for a NULL cell.
    """
    if decimal_sign is None:
        branches = f"WHEN {_matches(_EITHER_WAY)} THEN NULL {_plain_text('.')} {_plain_text(',')}"
    else:
        branches = _plain_text(decimal_sign)
    return rf"""
CREATE OR REPLACE MACRO number_text(cell) AS CASE {branches} END;
CREATE OR REPLACE MACRO whole(cell) AS
    CASE WHEN regexp_full_match(cell, '\d{{1,18}}') THEN CAST(cell AS BIGINT)  -- nearly all cells
         WHEN regexp_full_match(number_text(cell), '[+-]?\d+\.?0*')
         THEN TRY_CAST(split_part(number_text(cell), '.', 1) AS BIGINT)
         WHEN contains(lower(number_text(cell)), 'e') AND TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) =
              trunc(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)))
         THEN TRY_CAST(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) AS BIGINT) END;
CREATE OR REPLACE MACRO sign_marks(cell, is_count) AS
    CASE WHEN cell IS NULL OR NOT (contains(cell, '.') OR contains(cell, ',')) THEN 0
         WHEN {_matches(_EITHER_WAY)} THEN  -- no count has a fraction: 1.234 in a column of counts is thousands
              CASE WHEN NOT is_count OR ends_with(trim(cell), '000') THEN {OPEN}
                   WHEN contains(cell, '.') THEN {OPEN | COMMA} ELSE {OPEN | POINT} END
         WHEN {_shown_sign(".")} THEN {POINT}
         WHEN {_shown_sign(",")} THEN {COMMA} ELSE 0 END;
"""


def is_number(field: str) -> bool:
    """Return whether a field's cells are numbers."""
    return field in COUNTS or field in DECIMALS
