"""The alert of a failed run: its text, and when it is sent."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import dagster as dg
import pytest

from pipelines.orchestration.build import build_definitions
from pipelines.orchestration.sensors import build_failed_run_alert, build_failure_sensor
from tests.pipelines.conftest import DagsterProject
from tests.support.scripted_server import ScriptedServer, raw_response, run_scripted_server

MARCH = (date(2025, 3, 1), date(2025, 3, 3))
BOTH = ("acme-support", "globex-support")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with run_scripted_server() as running:
        monkeypatch.setenv("ALERT_WEBHOOK", running.origin + "/hook")
        yield running


def build_context(bot: DagsterProject, result: dg.ExecuteInProcessResult) -> Any:
    [event] = [event for event in result.all_events if event.event_type == dg.DagsterEventType.PIPELINE_FAILURE]
    return dg.build_run_status_sensor_context(
        sensor_name="alert_of_failed_runs",
        dagster_event=event,
        dagster_instance=bot.instance,
        dagster_run=bot.instance.get_run_by_id(result.run_id) or result.dagster_run,
    ).for_run_failure()


def evaluate_sensor(bot: DagsterProject, result: dg.ExecuteInProcessResult) -> str:
    skip_reason: Any = build_failure_sensor(bot.config)(build_context(bot, result))
    return str(skip_reason.skip_message)


def test_the_alert_of_a_failed_load_names_accounts_days_and_the_remedy(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"], alerts={"webhook": "${ALERT_WEBHOOK}"})
    result = bot.run_job("load_cognigy", MARCH)
    assert evaluate_sensor(bot, result) == f"Alert sent to all receivers: load_cognigy ({result.run_id})"
    assert len(server.requests) == 1
    alert = build_failed_run_alert(bot.config, build_context(bot, result))
    assert list(alert.problems) == ["globex-support"]
    assert alert.problems["globex-support"].startswith("2025-03-01 to 2025-03-03: ")
    assert "check the account's credential" in alert.problems["globex-support"]
    assert (alert.command, alert.days, alert.providers) == ("load_cognigy", "2025-03-01 to 2025-03-03", ["cognigy"])
    assert alert.summary == "globex-support failed; the other accounts are loaded."
    assert "chatmart backfill --from 2025-03-01 --to 2025-03-03 --account globex-support" in alert.advice


def test_a_run_from_an_assets_page_is_called_materialize(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"], alerts={"webhook": "${ALERT_WEBHOOK}"})
    result = bot.run_job("__ASSET_JOB", MARCH, asset_keys=["cognigy/landing", "cognigy/slices"])
    assert build_failed_run_alert(bot.config, build_context(bot, result)).command == "materialize"
    commands = bot.installation.store.read("SELECT DISTINCT command FROM load_run").to_pylist()
    assert commands == [{"command": "dagster materialize"}]


def test_the_alert_of_a_run_without_account_failures_has_its_reason(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project(*BOTH, alerts={"webhook": "${ALERT_WEBHOOK}"}, first=date(2025, 4, 1))
    result = bot.run_job("load_cognigy", MARCH)
    alert = build_failed_run_alert(bot.config, build_context(bot, result))
    assert alert.problems == {}
    assert "see start_date" in alert.summary
    assert evaluate_sensor(bot, result).startswith("Alert sent to all receivers")


def test_a_webhook_that_is_down_is_no_error(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project("acme-support", bad=["acme-support"], alerts={"webhook": "${ALERT_WEBHOOK}"})
    server.script(raw_response(b"", 404))
    result = bot.run_job("load_cognigy", MARCH)
    assert evaluate_sensor(bot, result).startswith("Alert not accepted by all receivers")


def test_a_run_that_dagster_will_retry_sends_no_alert(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project("acme-support", bad=["acme-support"], alerts={"webhook": "${ALERT_WEBHOOK}"})
    result = bot.run_job("load_cognigy", MARCH, tags={"dagster/will_retry": "true"})
    assert "Dagster will retry" in evaluate_sensor(bot, result)
    assert server.requests == []


def test_nothing_is_sent_where_no_webhook_is_configured(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project("acme-support", bad=["acme-support"])
    assert "alerts.webhook" in evaluate_sensor(bot, bot.run_job("load_cognigy", MARCH))
    assert server.requests == []
    sensors = {sensor.name: sensor for sensor in build_definitions(bot.config).get_repository_def().sensor_defs}
    assert sensors["alert_of_failed_runs"].default_status == dg.DefaultSensorStatus.STOPPED
    bot = build_dagster_project("acme-support", alerts={"webhook": "${ALERT_WEBHOOK}"})
    assert build_failure_sensor(bot.config).default_status == dg.DefaultSensorStatus.RUNNING


def test_a_failure_that_lasts_is_reported_once_and_its_end_by_the_next_scheduled_load(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    alerts = {"webhook": "${ALERT_WEBHOOK}"}
    scheduled = {"dagster/schedule_name": "every_day"}
    bot = build_dagster_project(*BOTH, bad=["globex-support"], alerts=alerts)
    first, second = (bot.run_job("load_cognigy", MARCH, tags=scheduled) for _ in range(2))
    assert evaluate_sensor(bot, first).startswith("Alert sent to all receivers")
    assert evaluate_sensor(bot, second) == f"Reported before: load_cognigy ({second.run_id})"
    assert len(server.requests) == 1
    mended = replace(build_dagster_project(*BOTH, alerts=alerts), resources=bot.resources)
    mended.instance = bot.instance
    assert mended.run_job("load_cognigy", MARCH, tags=scheduled).success
    message = json.loads(server.requests[1].body)
    assert (message["event"], message["what"], message["accounts"]) == ("recovered", "load_cognigy", ["globex-support"])
    assert mended.run_job("load_cognigy", MARCH, tags=scheduled).success
    assert len(server.requests) == 2


def test_in_a_project_of_somebody_else_only_own_runs_are_reported(
    build_dagster_project: Callable[..., DagsterProject], server: ScriptedServer
) -> None:
    bot = build_dagster_project(*BOTH, bad=["globex-support"], alerts={"webhook": "${ALERT_WEBHOOK}"})
    sensors = {sensor.name: sensor for sensor in build_definitions(bot.config, is_guest=True).sensors or ()}
    alert_sensor: Any = sensors["alert_of_failed_runs"]

    @dg.op
    def fail() -> None:
        raise dg.Failure("not ours")

    @dg.job
    def theirs() -> None:
        fail()

    result = theirs.execute_in_process(instance=bot.instance, raise_on_error=False)
    assert str(alert_sensor(build_context(bot, result)).skip_message).endswith("is no run of chatmart")
    assert server.requests == []
    result = bot.run_job("load_cognigy", MARCH)
    assert str(alert_sensor(build_context(bot, result)).skip_message).startswith("Alert sent to all receivers")
