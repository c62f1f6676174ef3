"""The bookkeeping tables: loaded slices, restatements, reconciliations, drift, runs, definitions, schema version.

They hold natural names and begin with date, provider, account, so that people query them as they are. What must not
come in: anything but their declaration.
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
    attribute("fetched_at", INSTANT, "Instant of the oldest fetch among these batches."),
    attribute("loaded_at", INSTANT, "When the slice was committed."),
    attribute("rows", COUNT, "Fact rows of the slice, all facts together."),
    attribute("totals", TEXT, "JSON object of the totals the provider reported."),
    attribute("zone", TEXT, "IANA zone whose local day the slice is."),
    attribute("external_id", TEXT, "The provider's id of the account at that time."),
    attribute("run_id", TEXT, "The run that loaded it."),
    attribute("schema_version", Integer(), "Version of the schema it was loaded with."),
    attribute("code_version", TEXT, "Version of the program that loaded it."),
    attribute("error", TEXT, "Error of the last failed attempt since the slice was loaded, in one sentence."),
    attribute("error_at", INSTANT, "When that attempt failed."),
    attribute("landed_at", INSTANT, "When the last of these batches was complete in the landing zone."),
    attribute("privacy", TEXT, "Mark of the account's privacy settings and their key at that time."),
    comment="One row per slice (account and local day), written in the transaction of the slice's facts.",
)

restatement_log = Table(
    "restatement_log",
    metadata,
    *_slice(),
    attribute("view", TEXT, "View in which a number changed.", nullable=False),
    attribute("member", TEXT, "Member to which the number belongs; several are joined by ' / '. NULL for a total."),
    attribute(
        "measure", TEXT, "Column in which the number changed, or the name of the counted events.", nullable=False
    ),
    attribute("old", COMPARED, "Number before; NULL where there was no row, or the number was not reported."),
    attribute("new", COMPARED, "Number after; NULL where the row is gone, or the number is not reported."),
    attribute("age_days", Integer(), "Days (UTC) from the slice's day to the restatement.", nullable=False),
    attribute("logged_at", INSTANT, "When the response with the new number had landed.", nullable=False),
    attribute(
        "arrival",
        COUNT,
        "Place of that response in the order in which the account's responses arrived, whatever the clock said; NULL "
        "for responses that an early release landed.",
    ),
    comment="Numbers that changed after the first load of their slice. A first load is no restatement.",
)

reconciliation = Table(
    "reconciliation",
    metadata,
    *_slice(),
    attribute("measure", TEXT, "Measure that was compared.", nullable=False),
    attribute("against", TEXT, "Other side of the comparison.", nullable=False),
    attribute("reported", COMPARED, "Total that the provider reported."),
    attribute("loaded", COMPARED, "Sum of the other side."),
    attribute("difference", COMPARED, "reported - loaded."),
    attribute("verdict", TEXT, "ok, explained or unexplained.", nullable=False),
    attribute("reason", TEXT, "Reason for a difference that is explained."),
    comment="Reported totals compared with breakdowns and single conversations. A difference never stops a load.",
)

drift = Table(
    "drift",
    metadata,
    *_slice(),
    attribute("stream", TEXT, "The stream with the response that holds the name.", nullable=False),
    attribute(
        "kind",
        TEXT,
        "unknown field, missing field, unknown column, unknown channel, refused metric, unconfirmed (end of a file).",
        nullable=False,
    ),
    attribute("name", TEXT, "The name, with its place in the response; never a value.", nullable=False),
    attribute("batch", TEXT, "Id of the landed batch.", nullable=False),
    comment="Names in the responses of a slice that this release does not know or load, and what nothing confirmed. "
    "Drift never stops a load.",
)

load_run = Table(
    "load_run",
    metadata,
    date_column("Day (UTC) on which the run started."),
    attribute("provider", TEXT, "The platform.", nullable=False),
    attribute("account", TEXT, "The account's name.", nullable=False),
    attribute("run_id", TEXT, "Id of the run, as in load_ledger.", nullable=False),
    attribute(
        "command",
        TEXT,
        "Command that started it: load, backfill, replay, or the name of a Dagster job.",
        nullable=False,
    ),
    attribute("started_at", INSTANT, "When it started.", nullable=False),
    attribute("ended_at", INSTANT, "When the account was done; NULL: the run has not ended, or it was killed."),
    attribute("planned", COUNT, "Slices that were due.", nullable=False),
    attribute("loaded", COUNT, "Slices that were loaded.", nullable=False),
    attribute("failed", COUNT, "Slices that failed.", nullable=False),
    attribute("requests", COUNT, "HTTP requests of the account, retries included.", nullable=False),
    attribute("retries", COUNT, "HTTP requests that were retries.", nullable=False),
    attribute("bytes", COUNT, "Bytes of the responses.", nullable=False),
    attribute("rows", COUNT, "Fact rows loaded.", nullable=False),
    attribute("waited_seconds", SECONDS, "Seconds spent waiting for the provider's limits.", nullable=False),
    attribute("error", TEXT, "First sentence of the error; NULL: there was none."),
    comment="One row per run and account: its work and its cost.",
)

forgotten = Table(
    "forgotten",
    metadata,
    date_column("Day (UTC) on which the person was forgotten."),
    attribute("provider", TEXT, "The platform.", nullable=False),
    attribute("account", TEXT, "The account's name.", nullable=False),
    attribute("request_id", TEXT, "Random id of the request; it says nothing of the person.", nullable=False),
    attribute("forgotten_at", INSTANT, "When the request was carried out.", nullable=False),
    attribute("batches", ARRAY(TEXT), "Ids of the landed batches that were rewritten."),
    attribute("responses", COUNT, "Landed responses that were rewritten.", nullable=False),
    attribute("records", COUNT, "Records of the person in them.", nullable=False),
    attribute("rows", COUNT, "Rows of the warehouse from which the person was removed.", nullable=False),
    comment="One row per person who was forgotten: the proof, without the person.",
)

measure_definition = Table(
    "measure_definition",
    metadata,
    attribute("provider", TEXT, "The platform.", nullable=False),
    attribute("measure", TEXT, "Column of conversation_daily, or a metric.", nullable=False),
    attribute("meaning", TEXT, "Meaning of the measure at this provider.", nullable=False),
    attribute("unit", TEXT, "Unit of the measure."),
    attribute("additivity", TEXT, "additive or not additive."),
    comment="The meaning of each measure at each provider.",
)

schema_version = Table(
    "schema_version",
    metadata,
    attribute("version", Integer(), "Number of the migration.", nullable=False),
    attribute("name", TEXT, "The change that it made.", nullable=False),
    attribute("applied_at", INSTANT, "When it was applied to this warehouse.", nullable=False),
    comment="Migrations that were applied to this warehouse.",
)
