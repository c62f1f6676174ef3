"""The end of some steps of an account in a run: their days are loaded, or only checked, and what is missing fails.

No request is made here.
"""

from collections.abc import Collection, Sequence
from contextvars import copy_context
from datetime import date

from pipelines.loads.claims import ReuseRule, loadable_days
from pipelines.loads.load import DaysLoad
from pipelines.loads.observer import Observer
from pipelines.loads.result import Failure, Outcome, as_account_error, load_and_record, record_failures
from pipelines.loads.workspace import Workspace


class ReadyLoad:
    """Steps of an account whose requests are done: the local days of each commit, chosen with ``is_reusable``.

    The days that lack a batch have failed, because of ``error``.
    """

    def __init__(
        self, outcome: Outcome, steps: Sequence[Collection[date]], is_reusable: ReuseRule, error: Exception
    ) -> None:
        self.outcome = outcome
        self.loads = [DaysLoad(outcome.account, step, is_reusable) for step in steps]
        self._is_reusable = is_reusable
        self._error = error
        self._context = copy_context()

    def check_landed_days(self, workspace: Workspace) -> tuple[set[date], list[Failure]]:
        """Return the days that could be loaded, and the failures of the steps whose batches cannot be read."""
        landed: set[date] = set()
        failures = []
        for load in self.loads:
            try:
                landed.update(loadable_days(load.account, workspace.landing, load.days, self._is_reusable)[0])
            except Exception as error:
                failures.append(Failure(self.outcome, load.days, as_account_error(load.account, error)))
        return landed, failures

    def missing_days(self, handled: Collection[date]) -> list[Failure]:
        """Return the failure of the days that are not handled, if there are any."""
        missing = [day for load in self.loads for day in load.days if day not in handled]
        return [self._context.run(Failure, self.outcome, missing, self._error)] if missing else []


def finish_loads(workspace: Workspace, ready: Sequence[ReadyLoad | Failure], observer: Observer, *, load: bool) -> None:
    """Load the days of all steps, or only check that they could be loaded, and record those that lack a batch.

    Failures are recorded as they are. Raises WarehouseErrors of the warehouse as a whole.
    """
    failures = [item for item in ready if isinstance(item, Failure)]
    ready_loads = [item for item in ready if isinstance(item, ReadyLoad)]
    if load:
        pairs = [(item.outcome, pending) for item in ready_loads for pending in item.loads]
        handled_days = iter(load_and_record(workspace, pairs, observer))
        for item in ready_loads:
            handled = set().union(*(next(handled_days) for _ in item.loads))
            failures += item.missing_days(handled)
    else:
        for item in ready_loads:
            landed, unreadable = item.check_landed_days(workspace)
            handled = landed.union(*(failure.days for failure in unreadable))
            failures += [*unreadable, *item.missing_days(handled)]
    record_failures(workspace, failures, observer)
