"""The search for many secrets in one text, at a cost that does not grow with their number. Nothing is masked here.

Blocks of a text are looked up in the set of all blocks that a secret may begin with: a text without secrets costs one
look-up for every eight or sixteen bytes, whether there are two secrets or thousands. A secret is also found where some
of its characters are escaped, as JSON, Python, URLs and HTML do it, and where escapes are escaped again.
"""

import html
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

Span = tuple[int, int]
"""Start and end of a part of a text, in bytes."""

_MAX_DEPTH = 4  # JSON inside JSON inside a URL; each further level doubles the backslashes
_SHORTEST = 4
_SHAPES = ((8, 16), (8, 8), (4, 4), (4, 2), (4, 1))
"""Width of a block and stride between blocks, for ever shorter secrets. The first that fits takes a secret."""

_PRINTABLE_ESCAPE = re.compile(
    rb"(?:\\\\)+|\\(?:[/\"']|u00[2-7][0-9a-fA-F]|x[2-7][0-9a-fA-F])|%[2-7][0-9a-fA-F]"
    rb"|&(?:amp|lt|gt|quot|apos|#[0-9]{2,3}|#[xX][2-7][0-9a-fA-F]);"
)
"""An escape of a printable ASCII character. Those of other scripts, of which a body may be full, cost nothing."""

_ANY_ESCAPE = re.compile(
    rb"(?:\\\\)+|\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}"
    rb"|[/\"'abfnrtv0])|%[0-9a-fA-F]{2}|&(?:[a-zA-Z]{2,8}|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});"
)
"""An escape of any character, for secrets with characters beyond printable ASCII."""

_LETTERS = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v", b"0": b"\0"}


@dataclass
class _Blocks:
    """The blocks of ``width`` bytes with which secrets of a length class begin, at each of ``stride`` offsets.

    Whatever its position, one aligned block of a text lies within the first ``width + stride - 1`` bytes of a secret.
    """

    width: int
    stride: int
    places: dict[int, tuple[Span, ...]] = field(default_factory=dict)
    """By block, where a secret with this block may be: the block's offset in it, and its length."""

    def add(self, secret: bytes) -> None:
        for offset in range(self.stride):
            block = int.from_bytes(secret[offset : offset + self.width], sys.byteorder)
            place = (offset, len(secret))
            known = self.places.get(block, ())
            if place not in known:
                self.places[block] = (*known, place)

    def find(self, text: bytes, secrets: frozenset[bytes] | set[bytes]) -> list[Span]:
        spans: list[Span] = []
        if len(text) < self.width + self.stride - 1:
            return spans
        step = max(self.stride // self.width, 1)
        for shift in range(0, self.width, min(self.stride, self.width)):
            end = shift + (len(text) - shift) // self.width * self.width
            blocks = memoryview(text)[shift:end].cast("Q" if self.width == 8 else "I")[::step]
            if self.places.keys().isdisjoint(blocks):
                continue
            for index, block in enumerate(blocks):
                for offset, length in self.places.get(block, ()):
                    start = shift + index * step * self.width - offset
                    if start >= 0 and text[start : start + length] in secrets:
                        spans.append((start, start + length))
        return spans


class SecretFinder:
    r"""A set of secrets that grows, and the search for them.

    >>> finder = SecretFinder()
    >>> finder.add(["key=1/abcdef"])
    >>> finder.find(rb'{"a": "key\u003d1\/abcdef"}')
    [(7, 25)]
    """

    def __init__(self) -> None:
        self._secrets: set[bytes] = set()
        self._classes: list[_Blocks] = []  # those with a secret
        self._escape = _PRINTABLE_ESCAPE
        self._shortest = sys.maxsize  # bytes of the shortest secret

    def add(self, secrets: Iterable[str]) -> None:
        """Add secrets of at least four bytes in UTF-8."""
        for secret in secrets:
            encoded = secret.encode("utf-8", "surrogatepass")
            if encoded in self._secrets:
                continue
            # a part of it may look like an escape, and is unescaped together with the escapes around it
            for text in {encoded, *_iter_unescaped(encoded, _PRINTABLE_ESCAPE), *_iter_unescaped(encoded, _ANY_ESCAPE)}:
                if len(text) >= _SHORTEST and text not in self._secrets:
                    self._secrets.add(text)
                    self._choose_class(text).add(text)
                    self._shortest = min(self._shortest, len(text))
            if not (secret.isascii() and secret.isprintable()):
                self._escape = _ANY_ESCAPE

    def _choose_class(self, secret: bytes) -> _Blocks:
        width, stride = next(shape for shape in _SHAPES if len(secret) >= sum(shape) - 1)
        for blocks in self._classes:
            if (blocks.width, blocks.stride) == (width, stride):
                return blocks
        self._classes.append(_Blocks(width, stride))
        return self._classes[-1]

    def find(self, text: bytes, min_length: int = _SHORTEST) -> list[Span]:
        """Return the parts of a text that are secrets of at least ``min_length`` bytes, in order, none overlapping."""
        if len(text) < self._shortest:  # an escape is longer than its character
            return []
        spans = self._find(text, min_length, _MAX_DEPTH)
        return merge_spans(spans) if spans else spans

    def _find(self, text: bytes, min_length: int, depth: int) -> list[Span]:
        spans: list[Span] = []
        for blocks in self._classes:
            for start, end in blocks.find(text, self._secrets):
                if end - start >= min_length:
                    spans.append((start, end))
        if depth and (b"\\" in text or b"%" in text or b"&" in text):
            unescaped, count = self._escape.subn(_unescape_match, text)
            if count:
                inner = merge_spans(self._find(unescaped, min_length, depth - 1))
                spans += self._locate(text, inner) if inner else []
        return spans

    def _locate(self, text: bytes, spans: Sequence[Span]) -> list[Span]:
        """Return the parts of ``text`` that are these parts of the unescaped text; an escape is taken as a whole."""
        borders = sorted({border for span in spans for border in span})
        starts: dict[int, int] = {}
        ends: dict[int, int] = {}
        position, read = 0, 0  # in the unescaped text and in ``text``, before the next escape
        number = 0
        for match in self._escape.finditer(text):
            plain_end = position + match.start() - read
            escape_end = plain_end + len(_unescape(match[0]))
            while number < len(borders) and borders[number] < escape_end:
                border = borders[number]
                is_inside = border > plain_end
                starts[border] = match.start() if is_inside else read + border - position
                ends[border] = match.end() if is_inside else read + border - position
                number += 1
            position, read = escape_end, match.end()
            if number == len(borders):
                break
        for border in borders[number:]:
            starts[border] = ends[border] = read + border - position
        return [(starts[start], ends[end]) for start, end in spans]


def merge_spans(spans: Iterable[Span]) -> list[Span]:
    """Return parts of a text in order, those that overlap as one."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _iter_unescaped(text: bytes, escape: re.Pattern[bytes]) -> Iterator[bytes]:
    for _ in range(_MAX_DEPTH):
        unescaped, count = escape.subn(_unescape_match, text)
        if not count:
            return
        text = unescaped
        yield text


def _unescape_match(match: re.Match[bytes]) -> bytes:
    return _unescape(match[0])


@lru_cache(maxsize=10_000)
def _unescape(escape: bytes) -> bytes:
    kind = escape[1:2]
    if escape[:1] == b"%":
        return bytes.fromhex(escape[1:].decode())
    if escape[:1] == b"&":
        return html.unescape(escape.decode()).encode("utf-8", "surrogatepass")
    if kind == b"\\":
        return escape[::2]
    if kind == b"x" and len(escape) == 4:
        return bytes.fromhex(escape[2:].decode())
    if kind in b"uU" and len(escape) > 2:
        units = [int(number, 16) for number in escape[2:].split(b"\\u")]
        if len(units) == 2:
            units = [0x10000 + ((units[0] & 0x3FF) << 10) + (units[1] & 0x3FF)]
        return chr(units[0]).encode("utf-8", "surrogatepass") if units[0] <= sys.maxunicode else escape
    return _LETTERS.get(kind, kind)
