"""Private files."""

import stat
from pathlib import Path

from extractors.landing.files import write_private_file


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    write_private_file(path, b"one")
    write_private_file(path, b"two", durable=True)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
