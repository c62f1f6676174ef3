"""Personal data: what is held of a person in the landing zone and the warehouse, and what keeps the forgotten out.

Nothing is written here. Forgetting is in ``pipelines.loads.forget``.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from extractors.account import Account
from extractors.landing.batch import Batch
from extractors.landing.batch_files import BatchFiles
from extractors.landing.erase_files import search_file_batch
from extractors.landing.erase_log import Holding, search_log
from extractors.landing.forgotten import LEAST_TEXT_LENGTH, People, read_people
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from pipelines.loads.workspace import Workspace
from transforms.erasure import AccountEraser
from transforms.privacy import conceal
from transforms.registry import get_transform
from warehouse.records import PersonInAccount


@dataclass(frozen=True)
class HeldData:
    """What one place holds of a person. ``first`` and ``last`` are local days; ``rows`` are records or rows.

    ``where`` is ``landing zone`` or ``warehouse``, ``table`` a stream or a table. ``batches`` are landed ones (ids).
    """

    account: str
    where: str
    table: str
    columns: tuple[str, ...]
    rows: int
    first: date | None
    last: date | None
    batches: tuple[str, ...] = ()


def open_eraser(landing: LandingZone, account: Account) -> AccountEraser | None:
    """Return the eraser of the people whom an account has forgotten; None where there are none.

    Its tokens are random. Raises OSError, also when the list of them is damaged.
    """
    people = read_people(landing.account_folder(account.provider, account.name))
    if people is None or not people.people:
        return None
    return build_eraser(account, people, secrets.token_bytes(32))


def build_eraser(account: Account, people: People, secret: bytes) -> AccountEraser:
    """Return the eraser of some people of an account."""
    return AccountEraser(account, get_transform(account.provider).personal, people, secret)


def find_person(workspace: Workspace, accounts: Sequence[Account], user_id: str) -> list[HeldData]:
    """Return what is held of a person, by account. Raises WarehouseErrors, OSError, and ValueError for damage."""
    held = []
    for account in accounts:
        eraser = build_eraser(account, People.of(user_id), secrets.token_bytes(32))
        holdings = search_landing(workspace.landing, account, eraser, user_id)
        held += [_describe_holding(workspace.landing, account, holding) for holding in holdings]
        person = build_person(account, user_id, eraser, "")
        held += [
            HeldData(account.name, "warehouse", rows.table, rows.columns, rows.rows, rows.first, rows.last)
            for rows in workspace.store.find_person(person)
        ]
    return held


def search_landing(landing: LandingZone, account: Account, eraser: AccountEraser, user_id: str) -> list[Holding]:
    """Return what is landed of a person. The eraser then knows the person's conversations."""
    folder = landing.account_folder(account.provider, account.name)
    text = searchable_text(user_id)
    batches = list_file_batches(landing, account)
    while True:
        known = len(eraser.conversations)
        holdings = search_log(folder, eraser, text)
        holdings += [holding for batch in batches if (holding := _search_file_batch(batch, eraser, text)) is not None]
        if len(eraser.conversations) == known:  # else another stream may hold the same conversations
            return holdings


def build_person(account: Account, user_id: str, eraser: AccountEraser, secret: str) -> PersonInAccount:
    """Return a person as the warehouse may know them, with the conversations that the eraser knows."""
    pseudonym = conceal(account, "user_id", user_id)
    hashed = {conceal(account, "conversation_id", conversation) or "" for conversation in eraser.conversations}
    return PersonInAccount(
        account.name,
        () if pseudonym is None else (pseudonym,),
        frozenset(eraser.conversations | hashed),
        searchable_text(user_id),
        secret,
    )


def searchable_text(user_id: str) -> str | None:
    """Return an id that is long enough to be looked for inside of texts; None for a shorter one."""
    return user_id if len(user_id) >= LEAST_TEXT_LENGTH else None


def list_batch_names(landing: LandingZone, account: Account, holding: Holding) -> tuple[str, ...]:
    """Return the ids of the batches of a holding."""
    batches = landing.list_batches(account.provider, account.name, holding.stream)
    named = {batch.batch_id for batch in batches if batch.number and batch.number in holding.numbers}
    return tuple(sorted(named | holding.batch_ids))


def list_file_batches(landing: LandingZone, account: Account) -> list[Batch]:
    """Return the batches of an account that earlier releases landed in two files."""
    streams = landing.list_streams(account.provider, account.name)
    batches = (batch for name in streams for batch in landing.list_batches(account.provider, account.name, name))
    return [batch for batch in batches if isinstance(batch.source, BatchFiles)]


def _search_file_batch(batch: Batch, eraser: AccountEraser, text: str | None) -> Holding | None:
    batch_eraser = eraser.open_batch(batch.stream, batch.window)
    is_held, is_elsewhere = search_file_batch(batch, batch_eraser, text)
    if not is_held and not is_elsewhere:
        return None
    window = (batch.window.start.isoformat(), batch.window.end.isoformat())
    return Holding(
        batch.stream, {window}, set(), len(batch.parts), batch_eraser.records, int(is_elsewhere), {batch.batch_id}
    )


def _describe_holding(landing: LandingZone, account: Account, holding: Holding) -> HeldData:
    windows = [Window.parse("_".join(window)) for window in holding.windows]
    columns = ("records",) if holding.records else ("requests",)
    if holding.elsewhere > holding.responses - bool(holding.records):
        columns = ("other fields",)
    return HeldData(
        account.name,
        "landing zone",
        holding.stream,
        columns,
        holding.records or holding.responses,
        min(window.start for window in windows),
        max(window.end for window in windows) - timedelta(days=1),
        list_batch_names(landing, account, holding),
    )
