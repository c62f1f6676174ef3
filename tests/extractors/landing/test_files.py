"""Private files."""

import stat
from pathlib import Path

from extractors.landing.files import make_private_folder, write_private_file
from tests.support.synced_paths import record_synced_paths


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    write_private_file(path, b"one")
    write_private_file(path, b"two", durable=True)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_the_names_of_new_folders_are_on_disk(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "landing" / "provider=cognigy" / "account=acme"
    with record_synced_paths() as synced:
        make_private_folder(tmp_path / "data" / "landing", folder)
    assert all(parent in synced for parent in folder.parents if parent.is_relative_to(tmp_path))
    with record_synced_paths() as synced:
        make_private_folder(tmp_path / "data" / "landing", folder)
    assert folder.parent not in synced
