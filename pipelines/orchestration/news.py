"""Alerts from a scheduled load in Dagster about what it changed. Failed runs are the matter of a sensor."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg

from pipelines.loads.alerts import send_alert
from pipelines.loads.run import LoadJob
from pipelines.loads.run_watch import RunWatch
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.reexecution import SCHEDULE_TAG, list_attempts


@contextmanager
def send_news_after(context: dg.AssetExecutionContext, workspace: Workspace, jobs: Sequence[LoadJob]) -> Iterator[None]:
    """Send the news of the load in the block: only for a scheduled run, where a receiver is configured.

    A back-fill by hand is watched by whoever started it. Raises WarehouseErrors.
    """
    config = workspace.config
    alerts = config.settings.alerts
    if not alerts.has_receiver or SCHEDULE_TAG not in context.run.tags:
        yield
        return
    watch = RunWatch(workspace, [job.account for job in jobs], list_attempts(context.instance, context.run))
    yield
    for alert in watch.list_news(context.job_name):
        outcome = "sent" if send_alert(alerts, alert, config.network) else "not accepted by all receivers"
        context.log.info(f"alert {outcome}: {alert.event}, {alert.summary}")
