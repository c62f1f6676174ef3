"""A logo as a part of the page: a picture file becomes a data URL, since the page loads nothing.

A browser runs no script of a picture, and loads nothing for it, even for SVG.
"""

from base64 import b64encode
from pathlib import Path

MAX_LOGO_BYTES = 500_000
"""The largest file that is taken: it becomes a part of every report."""

_BEGINNINGS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


class LogoError(ValueError):
    """A logo cannot be used. The message names the file and the remedy."""


def read_logo(path: Path) -> str:
    """Return a PNG, JPEG, GIF, WebP or SVG file as a data URL. Raises LogoError for any other and for a large one."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOGO_BYTES + 1)
    except OSError as error:
        raise LogoError(f"the logo {path} cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_LOGO_BYTES:
        raise LogoError(
            f"the logo {path} is larger than {MAX_LOGO_BYTES // 1000} kB, and would be a part of every report; "
            "give a smaller picture (it is drawn 40 pixels high)"
        )
    kind = _find_kind(content)
    if kind is None:
        raise LogoError(f"the logo {path} is no picture; give a PNG, JPEG, GIF, WebP or SVG file")
    return f"data:image/{kind};base64,{b64encode(content).decode('ascii')}"


def _find_kind(content: bytes) -> str | None:
    for beginning, kind in _BEGINNINGS.items():
        if content.startswith(beginning):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "webp"
    return "svg+xml" if b"<svg" in content[:4096] else None
