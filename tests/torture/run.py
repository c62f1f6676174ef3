"""Carry out a plan: its commands in processes of their own, its faults and restatements in the sandbox, then the end.

At the end the provider is sound again and much time has passed: everything must be loaded and equal the truth.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation
from tests.torture.command_process import CommandOutcome, run_command
from tests.torture.oracle import Oracle
from tests.torture.plan import DAYS, FINAL_PAUSE, Command, Pause, Plan, Restatement, draw_plan

STORES = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake"}
MOST_FINAL_RUNS = 4
BETWEEN_FINAL_RUNS = timedelta(hours=2)
MOST_SENTENCES = 3
LEFTOVERS = ("*.part", "*.tmp")


@dataclass
class TortureReport:
    """What a torture did and found.

    ``hours`` of simulated time; ``commands``, ``kills`` and the ``faults`` that requests met; a line of ``story`` for
    each step; a sentence in ``wrongs`` for everything that should not be.
    """

    seed: int
    store: str
    hours: float = 0.0
    commands: int = 0
    kills: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    story: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)


def run_seed(context: Any, seed: int, store: str, folder: Path) -> TortureReport:
    """Carry out the plan of a seed in an empty folder."""
    plan, report = draw_plan(seed), TortureReport(seed, store)
    with Sandbox(World(seed, plan.accounts)) as sandbox:
        sandbox.request_log.random.seed(seed)
        _Run(context, plan, report, Installation(folder, sandbox, plan.accounts, warehouse_url=STORES[store])).run()
        report.faults = sandbox.request_log.met_faults
    return report


class _Run:
    def __init__(self, context: Any, plan: Plan, report: TortureReport, product: Installation) -> None:
        self.context, self.plan, self.report, self.product = context, plan, report, product
        self.oracle = Oracle(product)
        self.now = plan.begins_at
        self.last_day = DAYS[-1]  # that any command may have asked for

    def run(self) -> None:
        for step in self.plan.steps:
            if isinstance(step, Command):
                self._run_step(step)
            elif isinstance(step, Restatement):
                self.product.sandbox.world.restate(step.account, step.day, step.how)
                self.oracle.note_versions([step.account])
                self.report.story.append(str(step))
            elif isinstance(step, Pause):
                self.now += timedelta(hours=step.hours)
                self.report.story.append(str(step))
            if self.report.wrongs:
                break
        else:
            self._finish()
        self.report.hours = (self.now - self.plan.begins_at) / timedelta(hours=1)

    def _run_step(self, command: Command) -> CommandOutcome:
        """Run a command under its faults, without them the status, and judge both."""
        self.last_day = max(self.last_day, self.now.date())
        log = self.product.sandbox.request_log
        log.plan_faults(*(replace(fault) for fault in command.faults))  # a fault counts down
        outcome = self._run_command(command)
        log.faults.clear()
        status = self._run_command(Command(("status", "--json")))
        self.report.story.append(f"{command} -> {outcome.exit_code}")
        wrongs = list(self.oracle.judge(command, outcome, status))
        if wrongs:
            self.report.wrongs += [f"after {command}: {wrong}" for wrong in wrongs[:MOST_SENTENCES]]
            self.report.story.append(outcome.text)
        return outcome

    def _run_command(self, command: Command) -> CommandOutcome:
        outcome = run_command(
            self.context,
            command.arguments,
            self.product.folder,
            self.product.environment,
            self.now,
            command.kill,
        )
        self.report.commands += 1
        self.report.kills += outcome.exit_code < 0
        self.now = max(self.now, outcome.ended_at) + timedelta(seconds=1)
        return outcome

    def _finish(self) -> None:
        """Load everything again from a sound provider, rebuild it from the landing zone, compare with the truth."""
        last = self.last_day
        self.now += FINAL_PAUSE
        self._load_everything(last)
        for arguments in (("maintain",), ("replay",)):
            if not self.report.wrongs:
                outcome = self._run_step(Command(arguments))
                if outcome.exit_code:
                    self.report.wrongs.append(f"{arguments[0]} at the end: {outcome.exit_code} {outcome.text}")
                self._compare(last, arguments[0])
        for pattern in LEFTOVERS:
            self.report.wrongs += [f"left over: {path.name}" for path in self.product.folder.rglob(pattern)]

    def _load_everything(self, last: date) -> None:
        days = tuple(DAYS[0] + timedelta(days=number) for number in range((last - DAYS[0]).days + 1))
        command = Command(("backfill", "--from", str(DAYS[0]), "--to", str(last), "--refetch"), days)
        for _attempt in range(MOST_FINAL_RUNS):
            outcome = self._run_step(command)
            if outcome.exit_code == 0 or self.report.wrongs:
                break
            self.now += BETWEEN_FINAL_RUNS
        else:
            self.report.wrongs.append(f"everything cannot be loaded from a sound provider: {outcome.text}")
        if not self.report.wrongs:
            self._compare(last, "backfill")

    def _compare(self, last: date, after: str) -> None:
        days = [DAYS[0] + timedelta(days=number) for number in range((last - DAYS[0]).days + 1)]
        _compared, lines = self.product.compare_with_truth(days)
        self.report.wrongs += [f"{after} at the end: {line}" for line in lines[:5]]
        self.report.wrongs += [f"{after} at the end: {line}" for line in self.product.read_unexplained()[:5]]
