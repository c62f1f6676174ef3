"""The index of an account's log as it is saved in an object store: a hint for machines that have none.

Without it a machine that reads an account first would fetch all segments to learn which batches they hold. It is made
now and then, so that it lacks a few segments; these are read. Nothing rests on it: an index is brought up to date by
whoever opens it. ``index/000123.001.sqlite.zst`` knows the segments up to that number; it is the second of its name.
"""

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import zstandard

from extractors.landing.files import choose_temporary_name, make_private_folder
from extractors.landing.landed_files import INDEX_NAME, list_landed, open_landed, remove_landed
from extractors.landing.segments import list_segments

log = logging.getLogger("chatmart.landing")

SAVED_INDEXES_NAME = "index"
"""The folder of the saved indexes in that of an account."""

SAVE_AFTER_SEGMENTS = 32
"""The number of new segments after which an index is saved: those that it lacks are fetched to be read."""

_ENDING = ".sqlite.zst"


def restore_index(folder: Path) -> None:
    """Take the saved index of an account where there is none, or one that cannot be read. Raises OSError."""
    path = folder / INDEX_NAME
    saved = list(list_landed(folder / SAVED_INDEXES_NAME, _ENDING))
    if not saved or path.exists():
        return
    temporary = folder / choose_temporary_name("index")
    try:
        with open_landed(saved[-1]) as packed, temporary.open("xb") as file:
            temporary.chmod(0o600)
            zstandard.ZstdDecompressor().copy_stream(packed, file)
        temporary.replace(path)
    except (FileNotFoundError, zstandard.ZstdError) as error:
        log.info("%s cannot be used, the segments are read instead: %s", saved[-1], error)
    finally:
        temporary.unlink(missing_ok=True)


def save_index(root: Path, folder: Path, *, at_once: bool) -> bool:
    """Save the index of an account when it knows enough more than the saved one, or ``at_once``.

    Return whether there is something to settle. Raises OSError.
    """
    numbers = [segment.last for segment in list_segments(folder) if segment.is_sealed]
    saved = list(list_landed(folder / SAVED_INDEXES_NAME, _ENDING))
    saved_number, generation = map(int, saved[-1].name.split(".")[:2]) if saved else (0, 0)
    unsaved = sum(number > saved_number for number in numbers)
    if unsaved < SAVE_AFTER_SEGMENTS and not (at_once and numbers):
        return False
    generation = generation + 1 if saved_number == max(numbers) else 0
    target = folder / SAVED_INDEXES_NAME / f"{max(numbers):06}.{generation:03}{_ENDING}"
    make_private_folder(root, target.parent)
    temporary = target.with_name(choose_temporary_name(target.name))
    plain = temporary.with_name(f".{temporary.name}")  # hidden: no file of the landing zone
    try:
        plain.touch(mode=0o600)
        with closing(sqlite3.connect(folder / INDEX_NAME, timeout=60, isolation_level=None)) as con:
            con.execute("VACUUM INTO ?", [str(plain)])
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with plain.open("rb") as file, os.fdopen(descriptor, "wb") as packed:
            zstandard.ZstdCompressor(level=3).copy_stream(file, packed)
        for path in saved:
            remove_landed(path)
        temporary.replace(target)
    except sqlite3.Error as error:
        log.info("the index of %s is not saved: %s", folder, error)
        return False
    finally:
        plain.unlink(missing_ok=True)
        temporary.unlink(missing_ok=True)
    return True
