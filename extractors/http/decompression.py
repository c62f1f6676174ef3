"""Packed bodies, unpacked in steps: however high the ratio, no piece is longer than 1 MiB. Nothing is sent here."""

import zlib
from collections.abc import AsyncIterator, Iterator, Sequence

PIECE_BYTES = 2**20
"""The longest piece that is unpacked in one step."""

_SLICE_BYTES = 2**14  # of packed bytes: zlib copies what stands behind the end of a member, once for each member
_MOST_MEMBERS = 1_000_000  # of one gzip body: a tool that packs in blocks of 64 kB begins one for each
_GZIP_BITS, _ZLIB_BITS, _RAW_DEFLATE_BITS = 31, 15, -15


async def unpack(pieces: AsyncIterator[bytes], unpacker: "Unpacker | None") -> AsyncIterator[bytes]:
    """Yield a body without its coding; as it came where there is no ``unpacker``.

    Raises zlib.error for bytes that are not so packed, and for an end that comes too early.
    """
    async for packed in pieces:
        if unpacker is None:
            yield packed
        else:
            for piece in unpacker.iter_unpacked(packed):
                yield piece
    if unpacker is not None and not unpacker.is_at_end:
        raise zlib.error("the packed body ends too early")


def open_unpacker(codings: Sequence[str]) -> "Unpacker | None":
    """Return the unpacker of a body with this coding (``encodings.read_codings``); None without one."""
    return Unpacker(codings[0]) if codings else None


class Unpacker:
    """The state of one packed body: ``gzip``, or ``deflate`` with or without zlib's header.

    ``member_count`` is the number of members so far: a gzip body may have many, and be cut between two of them.
    """

    def __init__(self, coding: str) -> None:
        self._is_gzip = coding == "gzip"
        self._member = zlib.decompressobj(_GZIP_BITS) if self._is_gzip else None
        self.member_count = 1
        self._start = b""

    @property
    def is_at_end(self) -> bool:
        """Whether the bytes so far are whole: their own end mark was read."""
        return self._member is not None and self._member.eof

    def iter_unpacked(self, packed: bytes) -> Iterator[bytes]:
        """Yield what the next bytes unpack to, at most 1 MiB at once. Raises zlib.error."""
        if self._member is None:  # deflate: the first two bytes tell whether zlib's header is there
            packed, self._start = self._start + packed, self._start + packed
            if len(packed) < 2:
                return
            self._member = zlib.decompressobj(_ZLIB_BITS if _has_zlib_header(packed) else _RAW_DEFLATE_BITS)
        for start in range(0, len(packed), _SLICE_BYTES):
            yield from self._iter_slice(packed[start : start + _SLICE_BYTES])

    def _iter_slice(self, pending: bytes) -> Iterator[bytes]:
        has_more = False
        while pending or has_more:
            member = self._open_member()
            piece = member.decompress(pending, PIECE_BYTES)
            pending = member.unconsumed_tail or member.unused_data
            has_more = len(piece) == PIECE_BYTES and not member.eof
            if piece:
                yield piece

    def _open_member(self) -> "zlib._Decompress":
        """Return the member under way, a new one behind the end of the last."""
        if self._member is None or self._member.eof:
            if not self._is_gzip:
                raise zlib.error("bytes stand behind the end of the packed body")
            self.member_count += 1
            if self.member_count > _MOST_MEMBERS:
                raise zlib.error(f"the packed body has more than {_MOST_MEMBERS} members")
            self._member = zlib.decompressobj(_GZIP_BITS)
        return self._member


def _has_zlib_header(start: bytes) -> bool:
    return start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
