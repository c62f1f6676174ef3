"""The judge of a torture: what stands in the warehouse after each command, against the sandbox's truth.

A slice, the local day of an account, must be whole, and as the provider reports it or reported it before. Where the
provider restated it between two requests, each view must be as reported before or afterwards. A day that is not loaded
must be named by ``status``.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from sandbox.truth import VIEWS
from tests.support.installation import Installation, days_from, to_plain_row
from tests.torture.command_process import CommandOutcome
from tests.torture.plan import DAYS, Command

Slice = tuple[str, date]
"""An account and one of its local days."""

SliceRows = dict[str, Counter[tuple[str, ...]]]
"""The rows of a slice by view, as counted plain text."""

KNOWN_DAYS = days_from(DAYS[0], 150)
GOOD_STATES = {"loaded", "settled"}
NAMED_STATES = {"missing", "failed", "stale"}
KILLED_CODES = {-9, -15, 130, 143}
DEFECT = "the program failed"


class Oracle:
    """Knows every version of every slice. ``note_versions`` must follow each restatement."""

    def __init__(self, product: Installation) -> None:
        self.product = product
        self.versions: defaultdict[Slice, list[SliceRows]] = defaultdict(list)
        self._columns: dict[str, list[str]] = {}
        self.note_versions(account.name for account in product.accounts)

    def note_versions(self, accounts: Iterable[str]) -> None:
        """Compute the truth of some accounts anew, and note each slice that differs from its newest version."""
        names = set(accounts)
        rows: defaultdict[Slice, SliceRows] = defaultdict(lambda: {view: Counter() for view in VIEWS})
        for account in (account for account in self.product.accounts if account.name in names):
            for view in VIEWS:
                for row in self.product.compute_truth_rows(account, view, KNOWN_DAYS):
                    columns = self._columns.setdefault(view, sorted(row))
                    rows[account.name, row["date"]][view][to_plain_row(row, columns)] += 1
            for day in KNOWN_DAYS:
                versions = self.versions[account.name, day]
                if not versions or versions[-1] != rows[account.name, day]:
                    versions.append(rows[account.name, day])

    def read_slices(self) -> dict[Slice, SliceRows]:
        """Return the rows of every slice in the published warehouse; empty before the first publication."""
        slices: defaultdict[Slice, SliceRows] = defaultdict(lambda: {view: Counter() for view in VIEWS})
        if not self.product.store.size_bytes():
            return {}
        for view, by_account in self.product.read_rows(VIEWS).items():
            for account, rows in by_account.items():
                for row in rows:
                    columns = self._columns.get(view, sorted(row))
                    slices[account, row["date"]][view][to_plain_row(row, columns)] += 1
        return dict(slices)

    def judge(self, command: Command, outcome: CommandOutcome, status: CommandOutcome) -> Iterator[str]:
        """Yield a sentence for everything that is wrong after a command and the ``status --json`` that followed it."""
        expected = KILLED_CODES if command.kill else set()
        if outcome.exit_code not in {0, 1} | expected:
            yield f"exit code {outcome.exit_code}"
        if DEFECT in outcome.text or "Traceback" in outcome.text:
            yield "a defect is reported"
        slices = self.read_slices()
        yield from self.judge_slices(slices)
        yield from _judge_status(status, slices)
        if outcome.exit_code == 0:
            yield from self._judge_success(command, slices)

    def judge_slices(self, slices: dict[Slice, SliceRows]) -> Iterator[str]:
        """Yield a sentence for every slice with a view that was never true."""
        for (account, day), rows in slices.items():
            versions = self.versions[account, day]
            if any(all(rows[view] != version[view] for version in versions) for view in rows):
                difference = _describe_difference(rows, versions[-1])
                yield f"{account} {day} is no version of the truth: {difference}"

    def _judge_success(self, command: Command, slices: dict[Slice, SliceRows]) -> Iterator[str]:
        """A back-fill that succeeds has loaded every day; one that asks again has the newest version of it."""
        words = command.arguments
        chosen = [words[words.index("--account") + 1]] if "--account" in words else list(self.account_names)
        for key in ((account, day) for account in chosen for day in command.days):
            if key not in slices:
                yield f"{key[0]} {key[1]} is not loaded, though the command succeeded"
            elif "--refetch" in words and slices[key] != self.versions[key][-1]:
                yield f"{key[0]} {key[1]} is not the newest version, though it was asked again"

    @property
    def account_names(self) -> Sequence[str]:
        """The names of the accounts."""
        return [account.name for account in self.product.accounts]


def _judge_status(status: CommandOutcome, slices: dict[Slice, SliceRows]) -> Iterator[str]:
    if status.exit_code != 0:
        yield f"status ends with {status.exit_code}: {status.text.strip()}"
        return
    for document in json.loads(status.text)["accounts"]:
        account = document["account"]
        states = {date.fromisoformat(day["date"]): day["state"] for day in document["days"]}
        for day, state in states.items():
            if state in GOOD_STATES and (account, day) not in slices:
                yield f"status calls {account} {day} {state}, and it has no row"
            if state not in GOOD_STATES and state not in NAMED_STATES:
                yield f"status calls {account} {day} {state}"
        loaded = {day for name, day in slices if name == account}
        if loaded and (unnamed := sorted(loaded - set(states))):
            yield f"status does not name {account} {unnamed[0]}, which is loaded"


def _describe_difference(rows: SliceRows, newest: SliceRows) -> str:
    return "; ".join(
        f"{view}: {(newest[view] - loaded).total()} rows only in truth, {(loaded - newest[view]).total()} only loaded"
        for view, loaded in rows.items()
        if loaded != newest[view]
    )
