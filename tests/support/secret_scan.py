"""Planted secrets and the search for them in every byte that a folder holds, unpacked. No expectations."""

import base64
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import duckdb
import pyarrow.parquet as pq
import zstandard


def encoded_forms(secret: str) -> set[str]:
    """The plain, URL-encoded and base64 forms of a secret."""
    raw = secret.encode()
    urls = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {secret, *urls, *(url.casefold() for url in urls), *encoded, *(each.rstrip("=") for each in encoded)}


def read_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it lies there, and what packed ones hold, with a name for each."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder))
        yield name, path.read_bytes()
        yield from ((f"{name}, unpacked", each) for each in _unpacked(path))


def find_secrets(secrets: Iterable[str], texts: Iterable[tuple[str, bytes]]) -> list[str]:
    """A line for each secret in each text, whatever its form; letters' case is not looked at."""
    wanted = {form.casefold().encode(): secret for secret in secrets for form in encoded_forms(secret)}
    looked = ((name, text.lower()) for name, text in texts)
    return [
        f"{secret} as {form!r} in {name}" for name, text in looked for form, secret in wanted.items() if form in text
    ]


def _unpacked(path: Path) -> Iterator[bytes]:
    match path.suffix:
        case ".zst":
            with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
                yield reader.read()
        case ".parquet":
            yield repr(pq.read_table(path).to_pylist()).encode()
        case ".duckdb" | ".loader":
            with duckdb.connect(path, read_only=True) as con:
                tables = con.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall()
                for schema, table in tables:
                    yield repr(con.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()).encode()
        case ".db":
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as con:
                yield "\n".join(con.iterdump()).encode()
        case _:
            return
