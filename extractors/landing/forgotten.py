"""The people whom an account has forgotten, as keyed hashes: enough to know them again, not to name them.

The list is a file in the account's folder of the landing zone, which only its owner can read. It is written under the
account's fetch lock. A person's ``secret`` makes the tokens that take the place of ids in what is rewritten; it is
thrown away when the person is forgotten everywhere, so that the rows of one person can no longer be told from those of
others. What must not come in: which fields of a response are personal.
"""

import errno
import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from extractors.landing.files import make_private_folder
from extractors.landing.landed_files import write_landed

LIST_NAME = "forgotten.json"
TOKEN_PREFIX = "forgotten:"  # noqa: S105 -- takes the place of an id, and is no secret
LEAST_TEXT_LENGTH = 6
"""The fewest characters of an id that is looked for inside of longer texts: a shorter one stands there by chance."""

_TOKEN = re.compile(rf"{TOKEN_PREFIX}[0-9a-f]{{32}}")
_INNER = re.compile(r"[\w-]")
_STARTS = re.compile(r"(?<![\w-])|(?=[^\w-])")


@dataclass(frozen=True)
class ForgottenPerson:
    """One person of an account. Instants are ISO 8601 in UTC.

    ``hash`` and ``length`` (in characters) are those of the id. ``secret`` is None when the person is forgotten
    everywhere; ``batches`` (ids), ``responses``, ``records`` and ``rows`` are what was rewritten.
    """

    request_id: str
    hash: str
    length: int
    forgotten_at: str
    secret: str | None
    batches: tuple[str, ...] = ()
    responses: int = 0
    records: int = 0
    rows: int = 0


@dataclass(frozen=True)
class People:
    """Some people, by keyed hashes of their ids. ``key`` is of this list alone."""

    key: bytes
    people: tuple[ForgottenPerson, ...] = ()
    plain: str | None = None
    """The id itself, where one person is looked for: texts without it are not hashed."""
    _hashes: frozenset[str] = field(init=False, compare=False, repr=False)
    _lengths: frozenset[int] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hashes", frozenset(person.hash for person in self.people))
        object.__setattr__(self, "_lengths", frozenset(person.length for person in self.people))

    @classmethod
    def of(cls, user_id: str) -> "People":
        """Return the list of one person, for a search. It is never written."""
        people = cls(secrets.token_bytes(32))
        return cls(people.key, (people.describe(user_id, ""),), user_id)

    def describe(self, user_id: str, forgotten_at: str) -> ForgottenPerson:
        """Return the entry of a person: the one that is in the list, or a new one."""
        hashed = self._hash(user_id)
        known = next((person for person in self.people if person.hash == hashed), None)
        secret = secrets.token_hex(32)
        if known is not None:
            return replace(known, secret=known.secret or secret)
        return ForgottenPerson(secrets.token_hex(16), hashed, len(user_id), forgotten_at, secret)

    def with_person(self, person: ForgottenPerson) -> "People":
        """Return the list with a person's entry in place of an earlier one."""
        others = [other for other in self.people if other.hash != person.hash]
        return People(self.key, (*others, person))

    def has(self, text: str) -> bool:
        """Return whether a text is the id of one of these people."""
        if self.plain is not None:
            return text == self.plain
        return len(text) in self._lengths and self._hash(text) in self._hashes

    def replace_inside(self, text: str) -> str:
        """Return a text with ``forgotten`` in place of each long id that stands in it as words of its own."""
        lengths = [length for length in self._lengths if LEAST_TEXT_LENGTH <= length <= len(text)]
        if not lengths or (self.plain is not None and self.plain not in text):
            return text
        pieces, start = [], 0
        for match in _STARTS.finditer(text):
            position = match.start()
            length = next((size for size in lengths if self._stands_at(text, position, size)), 0)
            if length and position >= start:
                pieces += [text[start:position], "forgotten"]
                start = position + length
        return "".join([*pieces, text[start:]]) if pieces else text

    def _stands_at(self, text: str, position: int, length: int) -> bool:
        end = position + length
        is_inside = end < len(text) and _INNER.match(text[end]) and _INNER.match(text[end - 1])
        return end <= len(text) and not is_inside and self.has(text[position:end])

    def _hash(self, text: str) -> str:
        return hmac.new(self.key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def build_token(secret: bytes, text: str) -> str:
    """Return the text that takes the place of an id. Another secret gives another one."""
    digest = hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return TOKEN_PREFIX + digest.hexdigest()[:32]


def is_token(text: str) -> bool:
    """Return whether a text took the place of the id of a person who was forgotten."""
    return _TOKEN.fullmatch(text) is not None


def read_list_stamp(folder: Path) -> tuple[int, ...]:
    """Return a value that is another one when the list of an account's folder was written; empty without a list."""
    try:
        stat = (folder / LIST_NAME).stat()
    except FileNotFoundError:
        return ()
    return stat.st_mtime_ns, stat.st_ino


def read_people(folder: Path) -> People | None:
    """Return the list of an account's folder; None without one. Raises OSError, also when it is damaged."""
    stamp = read_list_stamp(folder)
    return _read_people(folder / LIST_NAME, stamp) if stamp else None


@lru_cache(maxsize=64)
def _read_people(path: Path, _stamp: tuple[int, ...]) -> People:
    try:
        document: Mapping[str, Any] = json.loads(path.read_bytes())
        people = [ForgottenPerson(**{**entry, "batches": tuple(entry["batches"])}) for entry in document["people"]]
        return People(bytes.fromhex(document["key"]), tuple(people))
    except (ValueError, KeyError, TypeError) as error:
        problem = (
            f"is damaged ({error}): without it people who were forgotten would come back; restore it from a back-up, "
            "or remove it and forget them again"
        )
        raise OSError(errno.EBADMSG, problem, str(path)) from error


def write_people(root: Path, folder: Path, people: People) -> None:
    """Write the list of an account's folder, on disk when this returns. Raises OSError."""
    make_private_folder(root, folder)
    document = {"key": people.key.hex(), "people": [asdict(person) for person in people.people]}
    write_landed(folder / LIST_NAME, json.dumps(document, indent=1).encode())


def begin_list() -> People:
    """Return an empty list with a key of its own."""
    return People(secrets.token_bytes(32))


def merge_batches(earlier: Iterable[str], new: Iterable[str]) -> tuple[str, ...]:
    """Return ids of batches, each once and in order."""
    return tuple(sorted({*earlier, *new}))
