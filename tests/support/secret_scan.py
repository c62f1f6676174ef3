"""The search for secrets in every byte that a folder holds, unpacked. Expectations are the callers'."""

import base64
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pyarrow.parquet as pq
import zstandard


def encoded_forms(secret: str) -> set[str]:
    """Return the plain, URL-encoded and base64 forms of a secret."""
    raw = secret.encode()
    urls = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    texts = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, *urls, *(url.casefold() for url in urls), *texts, *(text.rstrip("=") for text in texts)}


def read_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and bytes of every file, and those of the contents of packed files."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        yield name, path.read_bytes()
        yield from ((f"{name}, unpacked", contents) for contents in _read_unpacked(path))


def find_secrets(secrets: Iterable[str], texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """Return a line for each secret in each text, in any of its forms and regardless of case."""
    wanted = {form.casefold().encode(): secret for secret in secrets for form in encoded_forms(secret)}
    lower_texts = ((name, text.lower()) for name, text in texts)
    return [
        f"{secret} as {form!r} in {name}"
        for name, text in lower_texts
        for form, secret in wanted.items()
        if form in text
    ]


def _read_unpacked(path: Path) -> Iterator[bytes]:
    match path.suffix:
        case ".zst":
            with (
                path.open("rb") as file,
                zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader,
            ):
                yield reader.read()
        case ".parquet":
            yield repr(pq.read_table(path).to_pylist()).encode()
        case ".duckdb" | ".loader":
            with duckdb.connect(path, read_only=True) as con:
                tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield repr(con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()).encode()
        case ".db" | ".sqlite":
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
                yield "\n".join(con.iterdump()).encode()
        case _:
            return
