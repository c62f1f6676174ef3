"""The disk: what a power cut may leave of changes that were synced, and of those that were not."""

import random

import pytest

from tests.power_cut.disk import LOSSES, PAGE_BYTES, ROOT, Disk, Loss, Operation, SetLength, SetNames, Sync, WriteData

FILE, FOLDER, OTHER = 1, 2, 3
CREATE = SetNames(((ROOT, "file", FILE),))
LOST = Loss("lost", "lost")


def cut(*operations: Operation, loss: Loss = LOST, seed: int = 0) -> dict[str, bytes | None]:
    disk = Disk()
    for operation in operations:
        disk.do(operation)
    return disk.cut_power(loss, random.Random(seed))


def sync(node: int, covered: int = 99) -> Sync:
    return Sync(node, covered)


def test_a_name_needs_a_sync_of_its_folder_and_data_one_of_its_file() -> None:
    write = WriteData(FILE, 0, b"text")
    assert cut(CREATE, write, sync(FILE)) == {}
    assert cut(CREATE, write, sync(ROOT)) == {"file": b""}
    assert cut(CREATE, write, sync(FILE), sync(ROOT)) == {"file": b"text"}


def test_what_is_synced_below_a_folder_without_a_synced_name_is_lost() -> None:
    below = (SetNames(((ROOT, "folder", FOLDER),)), SetNames(((FOLDER, "file", FILE),)), SetLength(FILE, 0))
    assert cut(*below, sync(FILE), sync(FOLDER)) == {}
    assert cut(*below, sync(FILE), sync(FOLDER), sync(ROOT)) == {"folder": None, "folder/file": b""}


def test_a_rename_is_kept_or_undone_as_one() -> None:
    old, new = (WriteData(FILE, 0, b"old"), WriteData(OTHER, 0, b"new"))
    begun = (CREATE, old, sync(FILE), sync(ROOT), SetNames(((ROOT, "part", OTHER),)), new, sync(OTHER))
    rename = SetNames(((ROOT, "part", None), (ROOT, "file", OTHER)))
    assert cut(*begun, rename) == {"file": b"old"}
    assert cut(*begun, rename, loss=Loss("kept", "lost")) == {"file": b"new"}
    assert cut(*begun, rename, sync(ROOT)) == {"file": b"new"}


def test_a_sync_covers_only_what_had_ended_when_it_began() -> None:
    assert cut(CREATE, WriteData(FILE, 0, b"one"), WriteData(FILE, 3, b"two"), sync(FILE, 2), sync(ROOT)) == {
        "file": b"one"
    }


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_what_was_synced_is_never_undone(loss: Loss) -> None:
    page = b"a" * PAGE_BYTES
    done = (CREATE, WriteData(FILE, 0, page * 2), sync(FILE), sync(ROOT), WriteData(FILE, PAGE_BYTES * 2, b"b" * 100))
    for seed in range(20):
        content = cut(*done, loss=loss, seed=seed)["file"]
        assert content is not None
        assert content.startswith(page * 2)
        assert content[len(page) * 2 :] in {b"", b"b" * 100, bytes(100)}


def test_a_file_may_have_its_new_length_and_zeros_in_it() -> None:
    done = (CREATE, WriteData(FILE, 0, b"a"), sync(FILE), sync(ROOT), WriteData(FILE, 1, b"bc"))
    assert cut(*done, loss=Loss("lost", "zeros")) == {"file": b"a\0\0"}
