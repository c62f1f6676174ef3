"""The landing zone: its folders, and the batches in them. The meaning of a response is not known here.

``provider=P/account=A/stream=S/`` holds, for each batch, one zstandard file with the bodies of its responses one after
the other, ``<window>.<content hash>.zst``, and one manifest per arrival, ``<window>.<fetched at>.<content hash>.json``,
which holds each request and the place of its response's body. An unchanged response that arrives again adds a manifest
only, so the list of manifests is the history of arrivals. Files are written as ``.part``, read back, and renamed; only
their owner can read them.
"""

from pathlib import Path

from extractors.landing.batch import Batch, BatchKey, list_batches
from extractors.landing.files import make_private_folder
from extractors.landing.writer import BatchWriter
from extractors.windows import Window


class LandingZone:
    """All batches under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

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
        return BatchWriter(self.root, self.stream_folder(key.provider, key.account, key.stream), key)

    def list_streams(self, provider: str, account: str) -> list[str]:
        """Return the streams of an account that ever landed a batch, enabled today or not, in order of their names."""
        folders = self.account_folder(provider, account).glob("stream=*")
        return sorted(folder.name.removeprefix("stream=") for folder in folders)

    def list_batches(self, provider: str, account: str, stream: str, within: Window | None = None) -> list[Batch]:
        """Return the batches of one stream in order of arrival; with ``within`` only those that touch its days."""
        return list_batches(self.stream_folder(provider, account, stream), provider, account, stream, within)
