"""The journal of export jobs: intentions and job ids of one account, on disk. Nothing is requested here.

Its keys on disk are ``purpose``, ``at`` and ``id``.
"""

import json
import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from extractors.landing.files import make_private_folder, write_private_file

log = logging.getLogger("chatmart.extractors")

_KEEP_FOR = timedelta(days=1)


@dataclass(frozen=True)
class ExportRequest:
    """The contents of a job: the bot at the provider, and the range as it is sent."""

    bot: str
    start: str
    end: str


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal. ``requested_at`` is in UTC; ``job_id`` is None until the creation has succeeded."""

    export_request: ExportRequest
    requested_at: datetime
    job_id: str | None = None


@dataclass(frozen=True)
class Journal:
    """The recent jobs of one account, intended or started. Every change is on disk when its method returns."""

    path: Path

    def read_entries(self) -> list[JournalEntry]:
        """Return all entries, oldest first.

        A journal that cannot be read is set aside and named in the log: the account goes on without it. Raises OSError.
        """
        try:
            return [_parse_entry(line) for line in json.loads(self.path.read_bytes())]
        except FileNotFoundError:
            return []
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            reason = str(error)
        aside = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(aside)
        log.error(
            "%s cannot be read (%s), so it is set aside as %s; an export that it named may be started once more",
            *(self.path, reason, aside.name),
        )
        return []

    def find_entry(self, export_request: ExportRequest) -> JournalEntry | None:
        """Return the entry of this export, None when it has none."""
        return next((entry for entry in self.read_entries() if entry.export_request == export_request), None)

    def write_entry(self, entry: JournalEntry) -> None:
        """Add an entry in place of an earlier one for the same export; drop entries a day away from it."""
        others = [
            other
            for other in self.read_entries()
            # one that is dated far ahead, by a clock that was wrong, would stay for ever
            if other.export_request != entry.export_request and abs(entry.requested_at - other.requested_at) < _KEEP_FOR
        ]
        self._write_entries([*others, entry])

    def remove_entry(self, export_request: ExportRequest) -> None:
        """Remove the entry of an export."""
        self._write_entries([entry for entry in self.read_entries() if entry.export_request != export_request])

    def _write_entries(self, entries: list[JournalEntry]) -> None:
        lines = [
            {"purpose": asdict(entry.export_request), "at": entry.requested_at.isoformat(), "id": entry.job_id}
            for entry in entries
        ]
        make_private_folder(self.path.parent, self.path.parent)
        write_private_file(self.path, json.dumps(lines, ensure_ascii=False, allow_nan=False).encode(), durable=True)


def _parse_entry(line: Any) -> JournalEntry:
    """Return an entry of the file. Raises ValueError, TypeError or LookupError for any other value."""
    entry = JournalEntry(ExportRequest(**line["purpose"]), datetime.fromisoformat(line["at"]), line["id"])
    texts = (entry.export_request.bot, entry.export_request.start, entry.export_request.end, entry.job_id or "")
    if not all(isinstance(text, str) for text in texts) or entry.requested_at.tzinfo is None:
        raise ValueError("an entry of another kind")
    return entry
