"""Changes of the cells of an exported file."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

from tests.fuzz.changes import AnswerChange
from tests.fuzz.csv_answer import COUNTS, DECIMALS, INSTANTS, TEXTS, CsvAnswer, CsvMutation
from tests.fuzz.effects import Effect, Moved, NameChanged, NumberChanged, Refused, Unknown

UNREADABLE = (
    "many",
    "-1",
    "5 min",
    "0x10",
    "NaN",
    "Infinity",
    "1e400",
    "--5",
    "1_000",
    "10" + "0" * 30,
    "true",
    "١٢",
    "1 2345",
    "1,23.5",
    "#REF!",
)
AMBIGUOUS = ("1.234", "1,234", "1.000", "1,000")
GROUPED = {
    "1 234": (Decimal(1234), ""),
    "1'234": (Decimal(1234), ""),
    "1,234.5": (Decimal("1234.5"), "."),
    "1.234,5": (Decimal("1234.5"), ","),
    "1.234.567": (Decimal(1234567), ","),
    "1,234,567": (Decimal(1234567), "."),
}
"""Numbers with thousands, and the decimal sign that a file with such a number has."""
UNREADABLE_INSTANTS = (
    "yesterday",
    "2025-02-30T10:00:00Z",
    "11/03/2025 10:00",
    "0000-00-00",
    "2025-03-11T25:00:00Z",
    "1",
    "20250311",
    "2025-03-11T10:00:00+99:00",
)


def change_count(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send another number in a cell."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    if "," in text:
        return None
    by = rng.choice([Decimal(1), Decimal(7), Decimal(1000)])
    if field == "intent_score":
        by = Decimal("0.001")
    other = str(Decimal(text) + by)
    effect = NumberChanged(
        by,
        answer.find_mapping(field).columns,
        is_required=field != "intent_score" and answer.is_of_totals == (field == "conversations"),
    )
    return AnswerChange(f"line {line + 1}, {field}: {text} -> {other}", effect, answer.with_cell(line, column, other))


def write_unreadable_cell(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send a cell that is no number, no instant, or a number that can be read in two ways."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS, *INSTANTS))
    if cell is None:
        return None
    field, line, column = cell
    texts = UNREADABLE_INSTANTS if field in INSTANTS else UNREADABLE
    if field in COUNTS:
        texts = (*texts, "1.5", "2,5")
    text = rng.choice(texts)
    effect = Refused(f"a cell of {field} cannot be read")
    return AnswerChange(f"line {line + 1}, {field} -> {text!r}", effect, answer.with_cell(line, column, text))


def write_ambiguous_number(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send a number whose only separator stands before three digits: the file decides what it is, or it is refused."""
    cell = answer.pick_cell(rng, (*COUNTS, "duration_seconds"))
    if cell is None:
        return None
    field, line, column = cell
    before = answer.rows[line][column]
    text = rng.choice(AMBIGUOUS)
    effect: Effect = Refused(f"a cell of {field} can be read in two ways")
    sign = _find_decimal_sign(answer, line)
    is_whole = field in COUNTS and text[-3:] != "000"  # a count has no fraction
    if sign or is_whole:
        number = Decimal(text.replace(",", ".")) if sign == text[1] and not is_whole else Decimal(text[0] + text[2:])
        is_required = answer.is_of_totals == (field == "conversations")
        effect = NumberChanged(number - Decimal(before), answer.find_mapping(field).columns, is_required)
    return AnswerChange(f"line {line + 1}, {field} -> {text!r}", effect, answer.with_cell(line, column, text))


def write_grouped_number(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send a number with thousands: it is read, or refused where the file has the other sign or counts whole things."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS))
    if cell is None:
        return None
    field, line, column = cell
    before = Decimal(answer.rows[line][column].replace(",", "."))
    text = rng.choice(sorted(GROUPED))
    number, sign = GROUPED[text]
    file_sign = _find_decimal_sign(answer, line)
    columns = answer.find_mapping(field).columns
    is_required = field != "intent_score" and answer.is_of_totals == (field == "conversations")
    effect: Effect = NumberChanged(number - before, columns, is_required)
    if field in COUNTS and number % 1:
        effect = Refused("a count is not whole")
    elif sign and file_sign and sign != file_sign:
        effect = Refused("the other numbers of the file have another decimal sign")
    return AnswerChange(f"line {line + 1}, {field} -> {text!r}", effect, answer.with_cell(line, column, text))


def _find_decimal_sign(answer: CsvAnswer, but_line: int) -> str:
    """Return the decimal sign that the other lines show beyond doubt; empty when none does."""
    cells = [
        row[answer.columns[field]]
        for number, row in enumerate(answer.rows[1:], 1)
        for field in DECIMALS
        if field in answer.columns and number != but_line
    ]
    for cell in cells:
        whole, sign, fraction = cell.partition("," if "," in cell else ".")
        if sign and (len(fraction) != 3 or whole == "0" or len(whole) > 3):
            return sign
    return ""


def change_text(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send another text in a cell."""
    cell = answer.pick_cell(rng, TEXTS)
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    other = rng.choice(
        [
            f"{text}x",
            f" {text}",
            f"{text}\nnext",
            f'{text}"q"',
            "NULL",
            "🙂",
            "é",
            f"{text}\r",
            "x" * 400,
            "-",
            f"{text},;\t",
        ]
    )
    if field == "intents" and set(other) & {"|", "\r"}:
        return None
    columns = {*answer.find_mapping(field).columns, "conversation_intent.hits", "conversation_intent.score"}
    effect: Effect = NameChanged(columns)
    return AnswerChange(
        f"line {line + 1}, {field}: {text!r} -> {other[:40]!r}", effect, answer.with_cell(line, column, other)
    )


def empty_cell(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Empty a cell: it is unknown, or refused where it is required."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS, *INSTANTS, *TEXTS))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    required = {"conversation_id", "started_at", "conversations"}
    effect: Effect = Refused(f"{field} is required") if field in required else Unknown(answer.all_columns)
    if field in TEXTS and field not in required:
        effect = NameChanged(
            {*answer.find_mapping(field).columns, "conversation_intent.hits", "conversation_intent.score"}
        )
    return AnswerChange(
        f"line {line + 1}, {field}: {text!r} -> ''",
        effect,
        answer.with_cell(line, column, rng.choice(["", "", '""'][:2])),
    )


def shift_start(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Move a row by an hour, a day, a month, a year, a century."""
    cell = answer.pick_cell(rng, ("started_at",))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    zone: ZoneInfo = answer.subject.account.zone
    before = datetime.fromisoformat(text)
    step = rng.choice(
        [timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=365), timedelta(days=36500)]
    )
    after = before + rng.choice([1, -1]) * step
    day = (after.astimezone(zone) if after.tzinfo else after).date()
    is_inside = answer.fetch.window.start <= day < answer.fetch.window.end
    written = (
        after.isoformat(timespec="milliseconds" if "." in text else "seconds").replace("+00:00", "Z")
        if "T" in text or " " in text
        else f"{after:%Y-%m-%d}"
    )
    if "T" not in text and step < timedelta(days=1):
        return None
    effect: Effect = Moved() if is_inside else Refused("its day was not requested")
    return AnswerChange(
        f"line {line + 1}, {field}: {text} -> {written}", effect, answer.with_cell(line, column, written)
    )


def shift_all_starts(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Move all rows to other days."""
    days = rng.choice([-365, -31, -7, 7, 31, 365])
    column = answer.columns["started_at"]
    rows = [list(row) for row in answer.rows]
    for row in rows[1:]:
        row[column] = (
            (datetime.fromisoformat(row[column]) + timedelta(days=days))
            .isoformat()
            .replace("+00:00", "Z")[: len(row[column])]
        )
    return AnswerChange(f"all rows {days:+} days", Refused("all rows are of other days"), answer.write(rows))


CELL_MUTATIONS: tuple[CsvMutation, ...] = (
    change_count,
    write_unreadable_cell,
    write_ambiguous_number,
    write_grouped_number,
    change_text,
    empty_cell,
    shift_start,
    shift_all_starts,
)
