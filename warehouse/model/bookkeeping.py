"""The books of the warehouse: what was loaded, what changed later, what does not add up, which version.

Nothing but their declaration. Books carry natural names and begin date, provider, account, so that people
query them as they are.
"""

from typing import Any

from sqlalchemy import ARRAY, Column, Integer, Table

from warehouse.model.columns import COMPARED, COUNT, INSTANT, SECONDS, TEXT, attribute, date_column
from warehouse.model.dimensions import metadata


def _slice() -> tuple[Column[Any], ...]:
    return (
        date_column(),
        attribute("provider", TEXT, "The platform.", nullable=False),
        attribute("account", TEXT, "The account's name.", nullable=False),
    )


load_ledger = Table(
    "load_ledger",
    metadata,
    *_slice(),
    attribute("state", TEXT, "loaded, or failed when no attempt ever succeeded; see coverage.", nullable=False),
    attribute("batches", ARRAY(TEXT), "Ids of the landed batches the slice rests on."),
    attribute("fetched_at", INSTANT, "Oldest fetch among these batches."),
    attribute("loaded_at", INSTANT, "When the slice was committed."),
    attribute("rows", COUNT, "Fact rows of the slice, all facts together."),
    attribute("totals", TEXT, "JSON object of the totals the provider told."),
    attribute("zone", TEXT, "IANA zone the day was cut in."),
    attribute("external_id", TEXT, "The provider's id of the account at that time."),
    attribute("run_id", TEXT, "The run that loaded it."),
    attribute("schema_version", Integer(), "Version of the schema it was loaded with."),
    attribute("code_version", TEXT, "Version of the program that loaded it."),
    attribute("error", TEXT, "Last failed attempt since it was loaded, in one sentence."),
    attribute("error_at", INSTANT, "When that attempt failed."),
    attribute("landed_at", INSTANT, "When the last of these batches was whole in the landing zone."),
    comment="One row per slice (account and local day), written in the transaction of the slice's facts.",
)

restatement_log = Table(
    "restatement_log",
    metadata,
    *_slice(),
    attribute("view", TEXT, "View whose number changed.", nullable=False),
    attribute("member", TEXT, "Member within the day; several are joined by ' / '. NULL for a total."),
    attribute("measure", TEXT, "Column whose number changed, or what is counted.", nullable=False),
    attribute("old", COMPARED, "Number before; NULL where there was no row or it was not told."),
    attribute("new", COMPARED, "Number after; NULL where the row is gone or it is not told."),
    attribute("age_days", Integer(), "Days (UTC) from the slice's day to the restatement.", nullable=False),
    attribute("logged_at", INSTANT, "When the answer with the new number had landed.", nullable=False),
    comment="Numbers that changed after their slice was first loaded. A first load is no restatement.",
)

reconciliation = Table(
    "reconciliation",
    metadata,
    *_slice(),
    attribute("measure", TEXT, "What was compared.", nullable=False),
    attribute("against", TEXT, "What it was compared with.", nullable=False),
    attribute("told", COMPARED, "The provider's total."),
    attribute("loaded", COMPARED, "What the other side adds up to."),
    attribute("difference", COMPARED, "told - loaded."),
    attribute("verdict", TEXT, "ok, explained or unexplained.", nullable=False),
    attribute("reason", TEXT, "Why an explained difference is as it should be."),
    comment="Totals compared with breakdowns and single conversations. A difference never stops a load.",
)

drift = Table(
    "drift",
    metadata,
    *_slice(),
    attribute("stream", TEXT, "The stream whose answer holds it.", nullable=False),
    attribute("kind", TEXT, "unknown field, unknown column, unknown channel or refused metric.", nullable=False),
    attribute("name", TEXT, "What it is called, by its place in the answer; never a value of it.", nullable=False),
    attribute("batch", TEXT, "Id of the landed batch.", nullable=False),
    comment="What the answers of a slice hold beyond what is known and loaded. Drift never stops a load.",
)

load_run = Table(
    "load_run",
    metadata,
    date_column("Day (UTC) on which the run started."),
    attribute("provider", TEXT, "The platform.", nullable=False),
    attribute("account", TEXT, "The account's name.", nullable=False),
    attribute("run_id", TEXT, "The run, as load_ledger names it.", nullable=False),
    attribute("command", TEXT, "What started it: load, backfill, replay, or a Dagster job.", nullable=False),
    attribute("started_at", INSTANT, "When it started.", nullable=False),
    attribute("ended_at", INSTANT, "When it was done with the account; NULL: it has not ended, or was killed."),
    attribute("planned", COUNT, "Slices it was to load.", nullable=False),
    attribute("loaded", COUNT, "Slices it loaded.", nullable=False),
    attribute("failed", COUNT, "Slices it could not load.", nullable=False),
    attribute("requests", COUNT, "HTTP requests of the account, repeated ones included.", nullable=False),
    attribute("retries", COUNT, "Requests that were repeated.", nullable=False),
    attribute("bytes", COUNT, "Bytes of answers received.", nullable=False),
    attribute("rows", COUNT, "Fact rows loaded.", nullable=False),
    attribute("waited_seconds", SECONDS, "Seconds spent waiting for the provider's limits.", nullable=False),
    attribute("error", TEXT, "The first sentence of what went wrong; NULL: nothing did."),
    comment="One row per run and account: what it did and what it cost.",
)

measure_definition = Table(
    "measure_definition",
    metadata,
    attribute("provider", TEXT, "The platform.", nullable=False),
    attribute("measure", TEXT, "Column of conversation_daily, or a metric.", nullable=False),
    attribute("meaning", TEXT, "What this provider means by it.", nullable=False),
    attribute("unit", TEXT, "What one of it is."),
    attribute("additivity", TEXT, "additive or not additive."),
    comment="What each provider means by a word.",
)

schema_version = Table(
    "schema_version",
    metadata,
    attribute("version", Integer(), "Number of the migration.", nullable=False),
    attribute("name", TEXT, "What it brought.", nullable=False),
    attribute("applied_at", INSTANT, "When it was applied here.", nullable=False),
    comment="Migrations that this warehouse has seen.",
)
