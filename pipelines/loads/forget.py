"""Forgetting a person: out of the landing zone, the warehouse, what is staged and what is published.

The order survives a kill at any moment: the person is in the list of the forgotten first, so that nothing new is
landed of them; what is to be rewritten is noted before it is rewritten; and the proof is written last. Running it again
finishes the rest. No request is made.
"""

import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors.account import Account
from extractors.landing.erase_files import erase_file_batches
from extractors.landing.erase_log import erase_log
from extractors.landing.forgotten import (
    ForgottenPerson,
    People,
    begin_list,
    merge_batches,
    read_people,
    write_people,
)
from extractors.landing.lock import hold_lock_now
from pipelines.loads.personal_data import (
    build_eraser,
    build_person,
    list_batch_names,
    list_file_batches,
    search_landing,
)
from pipelines.loads.workspace import Workspace
from warehouse.records import ForgottenRow, PersonInAccount

log = logging.getLogger("chatmart.run")


@dataclass(frozen=True)
class Forgetting:
    """The outcome: the proof as it stands in the books, and the streams in which the text of the id still stands.

    There it stands in fields that hold no personal data by their meaning, and is left.
    """

    proof: ForgottenRow
    remaining_streams: tuple[str, ...] = ()


def forget_person(workspace: Workspace, account: Account, user_id: str) -> Forgetting:
    """Forget a person in one account, and publish. Doing it again changes nothing, or finishes what was killed.

    Raises AccountBusy when a run is fetching the account, WarehouseErrors, OSError, and ValueError for damage.
    """
    landing, store = workspace.landing, workspace.store
    folder = landing.account_folder(account.provider, account.name)
    with hold_lock_now(landing, account):
        landing.refresh([(account.provider, account.name)])
        people = read_people(folder) or begin_list()
        person = people.describe(user_id, workspace.clock.now().isoformat())
        write_people(landing.root, folder, people.with_person(person))
        with landing.open_log(account.provider, account.name, recall=False):
            pass  # what a killed run has left is sealed
        secret = bytes.fromhex(person.secret or "")
        eraser = build_eraser(account, People(people.key, (person,), user_id), secret)
        holdings = search_landing(landing, account, eraser, user_id)
        known = build_person(account, user_id, eraser, person.secret or "")
        names = [name for holding in holdings for name in list_batch_names(landing, account, holding)]
        person = replace(
            person,
            batches=merge_batches(person.batches, names),
            responses=max(person.responses, sum(holding.responses for holding in holdings)),
            records=max(person.records, sum(holding.records for holding in holdings)),
            rows=max(person.rows, sum(rows.rows for rows in store.find_person(known))),
        )
        write_people(landing.root, folder, people.with_person(person))
        store.forget_person(known)
        erase_log(landing.root, folder, eraser)
        erase_file_batches(landing.root, list_file_batches(landing, account), eraser)
        landing.drop_other_copies(account.provider, account.name)
        _remove_staged(workspace.staging, known, user_id)
        # a load that read what is rewritten by now does not commit it: it sees that the list was written
        write_people(landing.root, folder, people.with_person(person))
        store.forget_person(known)  # what a load has committed meanwhile
        proof = _build_proof(account, person)
        store.record_forgotten([proof])
        store.purge()
        remaining = {holding.stream for holding in search_landing(landing, account, eraser, user_id)}
        write_people(landing.root, folder, people.with_person(replace(person, secret=None)))
    return Forgetting(proof, tuple(sorted(remaining)))


def restore_proofs(workspace: Workspace, accounts: Iterable[Account]) -> None:
    """Write into the books the proofs that the landing zone has: those of a warehouse that was lost are there again.

    A list that cannot be read is logged. Raises WarehouseErrors.
    """
    proofs = []
    for account in accounts:
        try:
            people = read_people(workspace.landing.account_folder(account.provider, account.name))
        except OSError as error:  # no other account waits for it, and a fetch of this one names it
            log.warning("%s: %s", account.name, error)
            continue
        proofs += [_build_proof(account, person) for person in (people.people if people else ()) if not person.secret]
    workspace.store.record_forgotten(proofs)


def _build_proof(account: Account, person: ForgottenPerson) -> ForgottenRow:
    return ForgottenRow(
        account.provider,
        account.name,
        person.request_id,
        datetime.fromisoformat(person.forgotten_at),
        person.batches,
        person.responses,
        person.records,
        person.rows,
    )


def _remove_staged(staging: Path, person: PersonInAccount, user_id: str) -> None:
    """Remove the staged files of runs that hold a person. A run that still lives fails with them, and loads again."""
    wanted = {"user_id": [*person.pseudonyms, user_id], "conversation_id": sorted(person.conversations)}
    for folder, _, names in os.walk(staging):
        with suppress(OSError):  # its run may just have ended
            files = [Path(folder, name) for name in names if name.endswith(".parquet")]
            if any(_holds_person(path, wanted, person.text) for path in files):
                shutil.rmtree(folder)


def _holds_person(path: Path, wanted: Mapping[str, list[str]], text: str | None) -> bool:
    file = pq.ParquetFile(path)
    names = [name for name in (*wanted, "properties", "member") if name in file.schema_arrow.names]
    for batch in file.iter_batches(columns=names):
        for name in names:
            column = batch.column(name).cast(pa.string())
            if pc.any(pc.is_in(column, pa.array(wanted.get(name, []), pa.string()))).as_py():
                return True
            if text is not None and pc.any(pc.match_substring(column, text)).as_py():
                return True
    return False
