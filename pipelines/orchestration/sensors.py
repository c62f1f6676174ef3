"""Sensors: one inspects the star after loads, one sends an alert after a failed run.

Schedules do not belong here; the text of an alert and how it is sent are in ``loads.alerts``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from pipelines.configuration.config import Config
from pipelines.loads.alerts import Alert, send_alert
from pipelines.loads.failures import describe_failed_accounts, retry_advice
from pipelines.loads.run_watch import is_news
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.assets import job_display_name, run_command
from pipelines.orchestration.reexecution import list_attempts
from pipelines.orchestration.schedules import RANGE_END_TAG, RANGE_START_TAG
from pipelines.orchestration.star_assets import WAREHOUSE_ASSETS
from warehouse.errors import WarehouseError

PARTITION = "dagster/partition"
WILL_RETRY = "dagster/will_retry"

_NOT_CONFIGURED = "No receiver is configured: see alerts.webhook and alerts.apprise"


def build_star_sensor() -> dg.AutomationConditionSensorDefinition:
    """Return a sensor that materialises the star after loads, by the assets' own conditions. It is on by default."""
    return dg.AutomationConditionSensorDefinition(
        "look_at_star_after_loads",
        target=WAREHOUSE_ASSETS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Counts and checks the published tables and views after a load; at the first start, what was "
        "loaded before.",
    )


def build_failure_sensor(config: Config, is_own: Callable[[dg.DagsterRun], bool] | None = None) -> dg.SensorDefinition:
    """Return a sensor that sends alerts about failed runs. It is on when a receiver is configured.

    With ``is_own``, only about the runs for which it returns true.
    """
    alerts = config.settings.alerts
    status = dg.DefaultSensorStatus.RUNNING if alerts.has_receiver else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        name="alert_of_failed_runs",
        # otherwise it would miss runs from the command line, which belong to no code location
        monitor_all_code_locations=True,
        default_status=status,
        minimum_interval_seconds=30,
        description="Sends the failed accounts and the advice to the configured receivers (alerts).",
    )
    def alert_of_failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        run = context.dagster_run
        if not alerts.has_receiver:
            return dg.SkipReason(_NOT_CONFIGURED)
        if is_own is not None and not is_own(run):
            return dg.SkipReason(f"{job_display_name(run.job_name)} ({run.run_id}) is no run of chatmart")
        if run.tags.get(WILL_RETRY) == "true":
            return dg.SkipReason(f"Dagster will retry {job_display_name(run.job_name)} ({run.run_id})")
        alert = build_failed_run_alert(config, context)
        if alert is None:
            return dg.SkipReason(f"Reported before: {job_display_name(run.job_name)} ({run.run_id})")
        outcome = "sent to all" if send_alert(alerts, alert, config.network) else "not accepted by all"
        # one run per evaluation: a skip reason ends it, and Dagster stops evaluations that take too long
        return dg.SkipReason(f"Alert {outcome} receivers: {alert.command} ({run.run_id})")

    return alert_of_failed_runs


def build_failed_run_alert(config: Config, context: dg.RunFailureSensorContext) -> Alert | None:
    """Return the alert of a failed run, from the failures of its steps or else from its failure event.

    None when all its accounts have failed before, and were reported.
    """
    run = context.dagster_run
    providers = {account.name: account.provider for account in config.accounts}
    problems: dict[str, str] = {}
    descriptions: list[str] = []
    for description, metadata in _find_step_failures(context.get_step_failure_events()):
        descriptions.append(description)
        problems |= {name: str(value.value) for name, value in metadata.items() if name in providers}
    days = _parse_partition_days(run.tags)
    if problems:
        failed_providers = {providers[name] for name in problems}
        account_count = sum(provider in failed_providers for provider in providers.values())
        failed_count = len(problems)
        problems = _select_news(config, context, problems)
        if not problems:
            return None
        summary = describe_failed_accounts(problems, account_count, still_failing=failed_count - len(problems))
        advice = retry_advice(list(problems), days, config.settings.catch_up_days)
    else:
        summary = " ".join(descriptions) or context.failure_event.message or "The run failed without a message."
        advice = "Committed slices are kept. The run's page in Dagster shows its log."
    return Alert(
        command=job_display_name(run.job_name),
        run_id=run.run_id,
        summary=summary,
        advice=advice,
        problems=problems,
        providers=sorted({providers[name] for name in problems}),
        days=f"{min(days)} to {max(days)}" if days else None,
    )


def _select_news(config: Config, context: dg.RunFailureSensorContext, problems: Mapping[str, str]) -> dict[str, str]:
    """Return the problems of the accounts that did not fail before, or that are to be reported again."""
    run = context.dagster_run
    workspace = Workspace.open(config)
    attempts = list_attempts(context.instance, run)
    try:
        streaks = workspace.store.failure_streaks(run_command(run.job_name), problems, attempts)
    except WarehouseError as error:  # what is not known to be reported is reported
        context.log.warning(f"{error}")
        return dict(problems)
    reminder_days, now = config.settings.alerts.reminder_days, workspace.clock.now()
    return {name: text for name, text in problems.items() if is_news(streaks.get(name), now, reminder_days)}


def _find_step_failures(events: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the description and the metadata of each failed step."""
    for event in events:
        data = event.step_failure_data
        if data.user_failure_data:
            yield data.user_failure_data.description or "", dict(data.user_failure_data.metadata)
        elif data.error:
            yield data.error.message.strip(), {}


def _parse_partition_days(tags: Mapping[str, str]) -> list[date]:
    """Return the first and the last day of the run's partitions, or an empty list for a run without partitions."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION)
    last = tags.get(RANGE_END_TAG) or first
    return [date.fromisoformat(first), date.fromisoformat(last)] if first and last else []
