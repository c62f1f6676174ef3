"""The questions of docs/cookbook.md: each is one short statement, and answers on a loaded warehouse."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from sandbox.demo.world import build_demo_world, label_demo_accounts, list_demo_accounts, restate_demo_week
from sandbox.server import Sandbox
from tests.support.installation import Installation
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days, open_sample_store
from warehouse.store import Store

PAGE = (Path(__file__).parents[2] / "docs/cookbook.md").read_text("utf-8")
QUESTIONS: dict[str, str] = dict(re.findall(r"## \d+\. ([^\n]+)\n```sql\n(.*?)```", PAGE, re.DOTALL))
MAX_LINES = 8


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("cookbook"))
    store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2))))
    store.publish()
    return store


def test_the_page_has_fifteen_questions() -> None:
    assert len(QUESTIONS) == PAGE.count("```sql") == 15


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_one_short_statement(store: Store, question: str) -> None:
    statement = QUESTIONS[question].strip()
    assert len(statement.splitlines()) <= MAX_LINES
    assert statement.count(";") == 1
    assert store.read(statement).num_columns > 1


@pytest.mark.long
@pytest.mark.e2e
def test_every_question_has_an_answer_in_the_demo(tmp_path: Path) -> None:
    """Sixty days; some of the answers are added up from the days in Python."""
    last = date.today() - timedelta(2)  # noqa: DTZ011 -- the page looks back from the current day
    first = last - timedelta(59)
    accounts = list_demo_accounts(first)
    labels = {name: {"labels": own} for name, own in label_demo_accounts(first).items()}
    with Sandbox(build_demo_world(first)) as sandbox:
        product = Installation(tmp_path, sandbox, accounts, labels)
        product.backfill(first, last)
        account, week = restate_demo_week(sandbox.world, first)
        product.backfill(week[0], week[-1], "--account", account, "--refetch")
        answers = {name: product.query(sql) for name, sql in QUESTIONS.items()}
        days = product.query("SELECT date, account, conversations FROM conversation_daily")
    empty = {name for name, rows in answers.items() if not rows}
    assert empty <= {"What happened on the day the clocks changed?"}  # not in every sixty days
    totals = Totals([(date.fromisoformat(row["date"]), row["account"], row["conversations"]) for row in days])
    assert {
        (row["account"], row["is_weekend"]): (row["days"], row["conversations_a_day"])
        for row in answers["Are weekends different?"]
    } == totals.by_weekend()
    assert {
        row["account"]: (row["this_month"], row["last_month_to_date"])
        for row in answers["How does this month compare with the last one, to the same day?"]
    } == totals.of_month_and_last_month(last)
    by_customer = Counter[str]()
    for row in answers["How much did each customer use?"]:
        by_customer[row["customer"]] += row["conversations"]
    assert by_customer == totals.by_customer({name: own["labels"]["customer"] for name, own in labels.items()})


@dataclass(frozen=True)
class Totals:
    """Conversations by day and account, added up in Python."""

    rows: Sequence[tuple[date, str, int]]

    def by_weekend(self) -> dict[tuple[str, bool], tuple[int, float]]:
        groups = defaultdict[tuple[str, bool], list[int]](list)
        for day, account, conversations in self.rows:
            groups[account, day.weekday() > 4].append(conversations)
        return {
            key: (len(values), _round_half_up(Fraction(sum(values), len(values)))) for key, values in groups.items()
        }

    def of_month_and_last_month(self, last: date) -> dict[str, tuple[int | None, int | None]]:
        this, before = Counter[str](), Counter[str]()
        for day, account, conversations in self.rows:
            months_ago = (last.year - day.year) * 12 + last.month - day.month
            if day.day <= last.day and months_ago < 2:
                (before if months_ago else this)[account] += conversations
        return {account: (this.get(account), before.get(account)) for account in this | before}

    def by_customer(self, customers: Mapping[str, str]) -> Counter[str]:
        counts = Counter[str]()
        for _day, account, conversations in self.rows:
            counts[customers[account]] += conversations
        return counts


def _round_half_up(number: Fraction) -> int:
    return int(number + Fraction(1, 2))
