"""What happens because something else happened: a look at the star after loads, an alert after a failed run.

No schedule is here; what an alert says, and how it travels, is in ``alerts``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg

from pipelines.configuration.config import Config
from pipelines.loads.alerts import Alert, retry_advice, send_alert
from pipelines.loads.failures import describe_failed_accounts
from pipelines.orchestration.assets import job_display_name
from pipelines.orchestration.schedules import RANGE_END_TAG, RANGE_START_TAG
from pipelines.orchestration.star_assets import STAR_GROUP

PARTITION = "dagster/partition"
WILL_RETRY = "dagster/will_retry"

_NOT_CONFIGURED = "No webhook is configured: see alerts.webhook"


def build_star_sensor() -> dg.AutomationConditionSensorDefinition:
    """Look at the star after each load, by the assets' own conditions; on unless it is turned off."""
    return dg.AutomationConditionSensorDefinition(
        "look_at_star_after_loads",
        target=dg.AssetSelection.groups(STAR_GROUP),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=30,
        description="Counts and checks what is published once a load has ended.",
    )


def build_failure_sensor(config: Config) -> dg.SensorDefinition:
    """Tell the webhook of each failed run, whoever started it; on when a webhook is configured."""
    alerts = config.settings.alerts
    on = dg.DefaultSensorStatus.RUNNING if alerts.webhook else dg.DefaultSensorStatus.STOPPED

    @dg.run_failure_sensor(
        name="alert_of_failed_runs",
        # runs from the command line belong to no code location: they would be missed
        monitor_all_code_locations=True,
        default_status=on,
        minimum_interval_seconds=30,
        description="Tells the webhook of the configuration (alerts.webhook) which accounts failed and what to do.",
    )
    def alert_of_failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        run = context.dagster_run
        if alerts.webhook is None:
            return dg.SkipReason(_NOT_CONFIGURED)
        if run.tags.get(WILL_RETRY) == "true":
            return dg.SkipReason(f"{job_display_name(run.job_name)} is tried again by itself ({run.run_id})")
        alert = build_failed_run_alert(config, context)
        sent = send_alert(alerts, alert)
        # a reason ends the evaluation: one run at a time keeps it shorter than Dagster waits for it
        return dg.SkipReason(f"{'Told' if sent else 'Could not tell'} the webhook of {alert.command} ({run.run_id})")

    return alert_of_failed_runs


def build_failed_run_alert(config: Config, context: dg.RunFailureSensorContext) -> Alert:
    """What there is to say about a failed run: from the failures of its steps, else from its last event."""
    run = context.dagster_run
    providers = {account.name: account.provider for account in config.accounts}
    problems: dict[str, str] = {}
    told: list[str] = []
    for description, metadata in _failures(context.get_step_failure_events()):
        told.append(description)
        problems |= {name: str(each.value) for name, each in metadata.items() if name in providers}
    days = _days(run.tags)
    if problems:
        its = {providers[name] for name in problems}
        summary = describe_failed_accounts(problems, sum(provider in its for provider in providers.values()))
        advice = retry_advice(list(problems), days, config.settings.catch_up_days)
    else:
        summary = " ".join(told) or context.failure_event.message or "It ended without saying why."
        advice = "What was committed stays; the run's page in Dagster shows its log."
    return Alert(
        command=job_display_name(run.job_name),
        run_id=run.run_id,
        summary=summary,
        advice=advice,
        problems=problems,
        providers=sorted({providers[name] for name in problems}),
        days=f"{min(days)} to {max(days)}" if days else None,
    )


def _failures(events: Sequence[dg.DagsterEvent]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The sentence and the metadata of each failed step."""
    for event in events:
        data = event.step_failure_data
        if data.user_failure_data:
            yield data.user_failure_data.description or "", dict(data.user_failure_data.metadata)
        elif data.error:
            yield data.error.message.strip(), {}


def _days(tags: Mapping[str, str]) -> list[date]:
    """The first and the last day of the run's partitions; nothing for a run without any."""
    first = tags.get(RANGE_START_TAG) or tags.get(PARTITION)
    last = tags.get(RANGE_END_TAG) or first
    return [date.fromisoformat(first), date.fromisoformat(last)] if first and last else []
