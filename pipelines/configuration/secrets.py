"""References to variables in the configuration, ``${VARIABLE}``: filled in from the environment or ``.env``.

Secrets come by reference only, and each is registered for redaction as soon as it is read. No setting is validated
here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from io import StringIO
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

from dotenv.parser import parse_stream
from pydantic import BaseModel, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from extractors import redaction
from extractors.errors import ConfigError

_CREDENTIAL = re.compile(r"(?:[a-z0-9+.-]+://)?+[^:@/]*:(?P<password>.*)@", re.IGNORECASE | re.DOTALL)
"""The beginning of an address with a password, which may hold every character."""

KeyPath = tuple[str, ...]
"""A key of a model, with the keys that it is nested in before it."""


class SecretAddress(SecretStr):
    """An address in which only the password is secret: the password is given by reference, or there is none."""

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Describe it as the text that the file holds, which may have references in it."""
        return {"type": "string"}


_OF_SENDING: frozenset[KeyPath] = frozenset({("alerts", "webhook"), ("network", "proxy"), ("network", "ca_file")})
"""Keys of what is sent or requested, which whoever only reads does without."""

REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def read_env(folder: Path) -> Mapping[str, str | None]:
    """Return the variables of the ``.env`` in a folder; none when there is no such file.

    A value keeps its characters: a reference inside it, as in ``a${B}``, is not filled in. Without quotes, it ends
    before blanks and before a comment. Raises ConfigError for a file that cannot be read.
    """
    path = folder / ".env"
    try:
        return parse_env(path.read_bytes().decode("utf-8-sig")) if path.is_file() else {}
    except OSError as error:
        advice = f"let this user read {path}, or set its variables in the environment and move it away"
        raise ConfigError([f".env: cannot be read ({error.strerror}): {advice}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f".env: cannot be read as UTF-8: write {path} anew"]) from error


def parse_env(text: str) -> Mapping[str, str | None]:
    """Return the variables in the text of a ``.env``; of a repeated one, the last value.

    Raises ConfigError for a line that is no assignment.
    """
    bindings = list(parse_stream(StringIO(text)))
    problems = [
        f".env: line {binding.original.line} is not NAME=value; check its quotes"
        for binding in bindings
        if binding.error
    ]
    if problems:
        raise ConfigError(problems)
    return {binding.key: binding.value for binding in bindings if binding.key is not None}


def iter_secret_keys(
    model: type[BaseModel], prefix: KeyPath = (), secret_kind: type[SecretStr] = SecretStr
) -> Iterator[KeyPath]:
    """Yield the keys of a model whose values may be given by reference only: those typed ``SecretStr``.

    With ``secret_kind`` those of another type.

    >>> from extractors.registry import get_account_model
    >>> list(iter_secret_keys(get_account_model("cognigy")))
    [('privacy', 'key'), ('api_key',)]
    """
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if kind is secret_kind:
                yield (*prefix, name)
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from iter_secret_keys(kind, (*prefix, name), secret_kind)


@cache
def _list_secret_keys(model: type[BaseModel], secret_kind: type[SecretStr]) -> frozenset[KeyPath]:
    return frozenset(iter_secret_keys(model, secret_kind=secret_kind))


def register_password(address: str) -> None:
    """Register the password of an address for redaction, as it stands there and as the server reads it."""
    if match := _CREDENTIAL.match(address):
        redaction.register_secrets(match["password"], unquote(match["password"]))


class ReferenceResolver:
    """Fills in the references of one section of the file: an account, or the document without its accounts.

    ``problems`` are pairs of a dotted key and a sentence. ``credential_variables`` are the variables that the section's
    own secrets come from, ``unset_variables`` those of them that are not set. ``allow_unset_secrets`` takes an unset
    variable of a secret for an empty text, and one of what is only needed to send for no value;
    ``allow_unset_credentials`` takes that of a credential alone for an empty text.
    """

    def __init__(
        self,
        model: type[BaseModel],
        environment: Mapping[str, str | None],
        *,
        allow_unset_secrets: bool,
        allow_unset_credentials: bool,
    ) -> None:
        self.problems: list[tuple[str, str]] = []
        self.credential_variables: list[str] = []
        self.unset_variables: list[str] = []
        self._secret_keys = _list_secret_keys(model, SecretStr)
        self._address_keys = _list_secret_keys(model, SecretAddress)
        self._environment = environment
        self._allow_unset_secrets = allow_unset_secrets
        self._allow_unset_credentials = allow_unset_credentials or allow_unset_secrets

    def resolve(self, value: Any, key: KeyPath) -> Any:
        """Return the value at ``key`` with its references filled in; problems are collected, not raised."""
        if isinstance(value, dict):
            return {name: self.resolve(item, (*key, str(name))) for name, item in value.items()}
        if isinstance(value, list):
            return [self.resolve(item, key) for item in value]
        is_secret = key in self._secret_keys
        if is_secret and value is not None and not (isinstance(value, str) and REFERENCE.fullmatch(value)):
            self._add_problem(key, "is a secret in plain text; write ${VARIABLE} and set the variable")
            return "refused"
        if not isinstance(value, str):
            return value
        if key in self._address_keys:
            return self._resolve_address(value, key)
        if key in _OF_SENDING and self._may_be_absent(value):
            return None
        resolved = REFERENCE.sub(lambda match: self._read_variable(match[1], key, is_secret), value)
        if is_secret:
            redaction.register_secrets(resolved)
        return resolved

    def _resolve_address(self, value: str, key: KeyPath) -> str:
        """Return an address; an empty text where a variable of it is not set, and need not be."""
        match = _CREDENTIAL.match(value)
        if match and REFERENCE.sub("", match["password"]):
            register_password(value)
            self._add_problem(key, "holds a password in plain text; write ${VARIABLE} and set the variable")
            return "refused"
        if self._may_be_absent(value):
            return ""
        resolved = REFERENCE.sub(lambda match: self._read_variable(match[1], key, is_secret=False), value)
        register_password(resolved)
        return resolved

    def _may_be_absent(self, value: str) -> bool:
        """Whether a variable of a value is not set, and need not be."""
        return self._allow_unset_secrets and not all(map(self._environment.get, REFERENCE.findall(value)))

    def _read_variable(self, name: str, key: KeyPath, is_secret: bool) -> str:
        value = self._environment.get(name)
        if is_secret and len(key) == 1:  # a nested secret, such as privacy.key, is not sent to a provider
            self.credential_variables.append(name)
            if not value and self._allow_unset_credentials:
                self.unset_variables.append(name)
                return ""
        if not value and is_secret and self._allow_unset_secrets:
            return ""
        if not value:
            self._add_problem(key, f"the variable {name} is not set; set it or write it into .env")
            return "unset"
        return value

    def _add_problem(self, key: KeyPath, problem: str) -> None:
        self.problems.append((".".join(key), problem))
