"""The maintenance job: what retention does not keep of the landing zone, the staging folder and Dagster's own logs.

How landed answers are chosen is decided in ``pruning``, how Dagster's logs are in ``dagster_logs``.
"""

from datetime import timedelta

import dagster as dg

from pipelines.configuration.config import Config
from pipelines.loads.load import remove_stale_staging
from pipelines.loads.prune import prune_landing
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.assets import as_dagster_failure
from pipelines.orchestration.instance.logs import prune_logs


def build_maintenance_job(config: Config) -> dg.JobDefinition:
    """Three steps that do not wait for one another; each says what it has deleted."""

    @dg.op(name="prune_landing", description="Deletes answers that newer ones replaced: retention.landing_days.")
    def landing(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            pruned = prune_landing(Workspace.open(config, context.run_id))
        context.log.info(f"{pruned.arrivals} replaced answers deleted, {pruned.bytes} bytes")
        context.add_output_metadata(
            {"answers": pruned.arrivals, "bytes": pruned.bytes, "busy accounts": pruned.busy_accounts}
        )

    @dg.op(name="prune_staging", description="Deletes staged files that killed runs left behind.")
    def staging(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            runs = remove_stale_staging(Workspace.open(config, context.run_id))
        context.log.info(f"staged files of {runs} killed runs deleted")
        context.add_output_metadata({"runs": runs})

    @dg.op(name="prune_dagster", description="Deletes the logs of Dagster's own runs: retention.dagster_days.")
    def dagster(context: dg.OpExecutionContext) -> None:
        kept = timedelta(days=config.settings.retention.dagster_days)
        pruned = prune_logs(context.instance, Workspace.open(config).clock.now() - kept)
        context.log.info(f"logs of {pruned.runs} runs deleted, {pruned.events} events")
        context.add_output_metadata({"runs": pruned.runs, "events": pruned.events})

    @dg.job(
        name="maintain",
        description="Delete what the configuration's retention does not keep. Loaded slices, the answers they rest on "
        "and the state of partitions are kept whatever it says.",
    )
    def maintain() -> None:
        landing()
        staging()
        dagster()

    return maintain
