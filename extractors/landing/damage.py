"""Landed files that are empty, short or gone: which batches were lost with them. Nothing is written here.

Damage of this kind is what a power cut, a full disk or a copy that was cut off leaves. It is seen by sizes, so that
looking for it costs little; batches are read only where it is seen.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path

from extractors.landing.index import LandingIndex
from extractors.landing.landed_files import measure_landed
from extractors.landing.log_batches import BODIES_NAME
from extractors.landing.zone import LandingZone

_MANIFEST_ENDINGS = (".json", ".zst")


def find_lost_batches(landing: LandingZone, provider: str, account: str, needed: Collection[str]) -> set[str]:
    """Return those of the batches `needed` (ids) that cannot be read, or are gone, in a folder with damaged files.

    A folder that was moved away has lost none: nothing in it is damaged. Raises OSError.
    """
    if not needed or not has_damaged_files(landing, provider, account):
        return set()
    lost = set(needed)
    for stream in landing.list_streams(provider, account):
        batches = landing.list_batches(provider, account, stream)
        lost.difference_update(batch.batch_id for batch in batches if batch.batch_id in lost and batch.is_whole())
    return lost


def has_damaged_files(landing: LandingZone, provider: str, account: str) -> bool:
    """Return whether the folder of an account has files that are empty or short, or lacks some. Raises OSError."""
    folder = landing.account_folder(provider, account)
    if not folder.is_dir():
        return False
    index = LandingIndex(folder)
    if index.list_damaged_segments():
        return True
    return any(_is_short(folder / BODIES_NAME / name, size) for name, size in index.list_body_sizes().items()) or any(
        _list_empty_files(folder)
    )


def _is_short(path: Path, size: int) -> bool:
    try:
        return measure_landed(path) < size
    except FileNotFoundError:
        return True


def _list_empty_files(folder: Path) -> Iterator[str]:
    """Yield the empty ones of the files in which earlier releases kept batches."""
    for stream_folder in folder.glob("stream=*"):
        with os.scandir(stream_folder) as entries:
            yield from (
                entry.name for entry in entries if entry.name.endswith(_MANIFEST_ENDINGS) and not entry.stat().st_size
            )
