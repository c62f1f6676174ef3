"""A logo is a picture of a bounded size, and becomes a part of the page."""

from base64 import b64decode
from pathlib import Path

import pytest

from pipelines.report.page.logo import MAX_LOGO_BYTES, LogoError, read_logo

PICTURES = {
    "png": b"\x89PNG\r\n\x1a\n....",
    "jpeg": b"\xff\xd8\xff\xe0....",
    "gif": b"GIF89a....",
    "webp": b"RIFF....WEBP....",
    "svg+xml": b'<?xml version="1.0"?>\n<svg xmlns="x"></svg>',
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_picture_becomes_a_data_url(tmp_path: Path, kind: str) -> None:
    (tmp_path / "logo").write_bytes(PICTURES[kind])
    head, _, content = read_logo(tmp_path / "logo").partition(",")
    assert head == f"data:image/{kind};base64"
    assert b64decode(content) == PICTURES[kind]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"<html></html>", "is no picture; give a PNG, JPEG, GIF, WebP or SVG file"),
        (PICTURES["png"].ljust(MAX_LOGO_BYTES + 1), "is larger than 500 kB"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "logo").write_bytes(content)
    with pytest.raises(LogoError, match=expected):
        read_logo(tmp_path / "logo")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LogoError, match=r"the logo .*logo\.png cannot be read: No such file"):
        read_logo(tmp_path / "logo.png")
