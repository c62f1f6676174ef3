"""The landing zone: its folders, and the batches in them. The meaning of a response is not known here.

``provider=P/account=A/stream=S/`` holds, for each batch, one zstandard file with the bodies of its responses one after
the other, ``<window>.<content hash>.zst``, and one manifest per arrival,
``<window>.<number>.<fetched at>.<content hash>.json``, which holds each request and the place of its response's body.
An unchanged response that arrives again adds a manifest only, so the list of manifests is the history of arrivals. The
number counts the arrivals of an account: their order does not rest on a clock that may have been set. Earlier releases
wrote no number; their arrivals are older than any numbered one. Files are written as ``.part``, read back, and renamed;
only their owner can read them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from extractors.landing.batch import Batch, BatchKey, list_batches, read_last_number
from extractors.landing.files import make_private_folder
from extractors.landing.writer import BatchWriter
from extractors.windows import Window


class LandingZone:
    """All batches under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._counters: dict[tuple[str, str], int] = {}

    def account_folder(self, provider: str, account: str) -> Path:
        """Return the folder of all streams of an account."""
        return self.root / f"provider={provider}" / f"account={account}"

    def stream_folder(self, provider: str, account: str, stream: str) -> Path:
        """Return the folder of a stream's batches. The names are validated slugs, never texts of a response."""
        return self.account_folder(provider, account) / f"stream={stream}"

    def make_folder(self, folder: Path) -> None:
        """Make a folder of the zone, and those above it in the zone, for their owner only."""
        make_private_folder(self.root, folder)

    def open_writer(self, key: BatchKey) -> BatchWriter:
        """Return a writer for one new batch."""
        folder = self.stream_folder(key.provider, key.account, key.stream)
        return BatchWriter(self.root, folder, key, lambda: self._assign_number(key.provider, key.account))

    def read_last_number(self, provider: str, account: str) -> int:
        """Return the highest arrival number of an account, over all its streams; 0 when no batch has one."""
        streams = self.list_streams(provider, account)
        return max((read_last_number(self.stream_folder(provider, account, name)) for name in streams), default=0)

    @contextmanager
    def counting_arrivals(self, provider: str, account: str) -> Iterator[None]:
        """Count an account's arrivals in memory inside the block. Only for the holder of its fetch lock."""
        self._counters[provider, account] = self.read_last_number(provider, account)
        try:
            yield
        finally:
            del self._counters[provider, account]

    def _assign_number(self, provider: str, account: str) -> int:
        last = self._counters.get((provider, account))
        if last is None:
            return self.read_last_number(provider, account) + 1
        self._counters[provider, account] = last + 1
        return last + 1

    def list_streams(self, provider: str, account: str) -> list[str]:
        """Return the streams of an account that ever landed a batch, enabled today or not, in order of their names."""
        folders = self.account_folder(provider, account).glob("stream=*")
        return sorted(folder.name.removeprefix("stream=") for folder in folders)

    def list_batches(self, provider: str, account: str, stream: str, within: Window | None = None) -> list[Batch]:
        """Return the batches of one stream in order of arrival; with ``within`` only those that touch its days."""
        return list_batches(self.stream_folder(provider, account, stream), provider, account, stream, within)
