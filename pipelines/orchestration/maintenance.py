"""The maintenance job: retention of the landing zone, the staging folder and Dagster's logs; a tidy warehouse.

Which responses are deleted is decided in ``loads.prune``, and which logs in ``instance.logs``, not here.
"""

from datetime import timedelta

import dagster as dg

from pipelines.configuration.config import Config
from pipelines.loads.prune import prune_landing
from pipelines.loads.publish import remove_stale_staging
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.failures import as_dagster_failure
from pipelines.orchestration.instance.logs import prune_logs


def build_maintenance_job(config: Config) -> dg.JobDefinition:
    """Return a job of four independent steps; each logs how much it deleted."""

    @dg.op(name="prune_landing", description="Deletes responses and conversations that retention does not keep.")
    def prune_landing_zone(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            pruned = prune_landing(Workspace.open(config, context.run_id))
        context.log.info(f"{pruned.arrivals} replaced responses deleted, {pruned.bytes} bytes")
        context.add_output_metadata(
            {
                "responses": pruned.arrivals,
                "bytes": pruned.bytes,
                "busy accounts": pruned.busy_accounts,
                "rows of conversations": pruned.conversations,
            }
        )

    @dg.op(name="prune_staging", description="Deletes staged files that killed runs left behind.")
    def prune_staging_folder(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            runs = remove_stale_staging(Workspace.open(config, context.run_id))
        context.log.info(f"staged files of {runs} killed runs deleted")
        context.add_output_metadata({"runs": runs})

    @dg.op(name="tidy_warehouse", description="Merges old small files of a lake, and deletes those nobody reads.")
    def tidy_warehouse(context: dg.OpExecutionContext) -> None:
        with as_dagster_failure():
            workspace = Workspace.open(config, context.run_id)
            files = workspace.store.tidy(workspace.clock.now().date())
        context.log.info(f"{files} files of the warehouse deleted that no version of the last day has")
        context.add_output_metadata({"files": files})

    @dg.op(name="prune_dagster", description="Deletes the logs of Dagster's own runs: retention.dagster_days.")
    def prune_dagster_logs(context: dg.OpExecutionContext) -> None:
        kept = timedelta(days=config.settings.retention.dagster_days)
        pruned = prune_logs(context.instance, Workspace.open(config).clock.now() - kept)
        context.log.info(f"logs of {pruned.runs} runs deleted, {pruned.events} events")
        context.add_output_metadata({"runs": pruned.runs, "events": pruned.events})

    @dg.job(
        name="maintain",
        description="Deletes files and logs that are older than the configured retention. Totals of days and the state "
        "of partitions are always kept.",
        executor_def=dg.in_process_executor,
    )
    def maintain() -> None:
        prune_landing_zone()
        prune_staging_folder()
        tidy_warehouse()
        prune_dagster_logs()

    return maintain
