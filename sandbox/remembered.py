"""The place and the days of a demo's sandbox, remembered in a file, so that it can be started again as it was.

No sandbox is started here.
"""

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

FILE_NAME = "sandbox.json"


@dataclass(frozen=True)
class RememberedSandbox:
    """Where a demo's sandbox listens, and the world that it serves.

    Attributes:
        port: of the five APIs.
        download_port: of the export downloads.
        seed: of the world.
        first_day: the first day of the demo.
    """

    port: int
    download_port: int
    seed: int
    first_day: date


def write_remembered(folder: Path, remembered: RememberedSandbox) -> None:
    """Write the file into the demo's folder. Raises OSError when it cannot be written."""
    document = {**asdict(remembered), "first_day": remembered.first_day.isoformat()}
    (folder / FILE_NAME).write_text(json.dumps(document, indent=2) + "\n", "utf-8")


def read_remembered(folder: Path) -> RememberedSandbox | None:
    """Return what a folder's file remembers; None without a readable file: whoever wants one writes a new one."""
    try:
        document = json.loads((folder / FILE_NAME).read_text("utf-8"))
        return RememberedSandbox(
            port=int(document["port"]),
            download_port=int(document["download_port"]),
            seed=int(document["seed"]),
            first_day=date.fromisoformat(document["first_day"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
