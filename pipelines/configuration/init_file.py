"""Writing a configuration: a new file, one more account in a file that is there, and the variables of secrets.

What is written is made here as text first; whether it is right is for ``config`` to say before it is written.
"""

import os
import re
import secrets
import shutil
import textwrap
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import yaml
from dotenv import dotenv_values

from extractors.account import Account
from extractors.errors import ConfigError
from pipelines.configuration.config import iter_secret_keys, read_env
from pipelines.configuration.json_schema import schema_comment

_HEAD = """\
{editor_line}
# Which accounts chatmart loads, and where to. Relative paths start from this file's folder. Secrets stand here by
# reference only; their values are in the environment, or in the .env beside this file.

"""


def required_ids(model: type[Account]) -> list[str]:
    """The keys that an account of this kind must have beside its name and its secrets."""
    known = {"name", *required_secrets(model)}
    return [key for key, told in model.model_fields.items() if told.is_required() and key not in known]


def required_secrets(model: type[Account]) -> list[str]:
    """The keys of an account's credential."""
    return [key for key, *deeper in iter_secret_keys(model) if not deeper and model.model_fields[key].is_required()]


def secret_variable_name(account: str, key: str) -> str:
    """The variable that holds a secret of an account, such as ``ACME_SUPPORT_API_KEY``."""
    name = re.sub(r"\W", "_", f"{account}_{key}".upper())
    return f"_{name}" if name[:1].isdigit() else name


def render_account(account: Mapping[str, Any]) -> str:
    """An account as it stands in the list."""
    return yaml.safe_dump([account], sort_keys=False, allow_unicode=True, width=1000)


def render_config(folder: Path, places: Mapping[str, str], account: Mapping[str, Any]) -> str:
    """The text of a new configuration in ``folder`` with one account."""
    head = _HEAD.format(editor_line=schema_comment(folder))
    return f"{head}{yaml.safe_dump(dict(places))}\naccounts:\n{textwrap.indent(render_account(account), '  ')}"


def append_account(text: str, account: Mapping[str, Any]) -> str | None:
    """A configuration's text with one more account at the end of its list, and not a character else changed.

    None where that takes more than writing it there: the accounts are no list of blocks, or there is no list yet.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + ending
    accounts = _accounts(text)
    if accounts is None:
        return None
    margin, lines = accounts.start_mark.column, text.splitlines(keepends=True)
    at = accounts.end_mark.line
    while at and _is_between(lines[at - 1], margin):
        at -= 1
    block = textwrap.indent(render_account(account), " " * margin).replace("\n", ending)
    longer = "".join([*lines[:at], block, *lines[at:]])
    before = yaml.safe_load(text)
    return longer if _reads_as(longer, {**before, "accounts": [*before["accounts"], account]}) else None


def write_config_file(path: Path, text: str) -> None:
    """Put the text in place of the file, whole or not at all; who may read it stays."""
    target = path.resolve()
    part = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    try:
        part.write_bytes(text.encode())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def append_env_variables(folder: Path, values: Mapping[str, str]) -> None:
    """Append variables to the folder's ``.env``; what has a value there stays. A new one only its owner can read.

    Raises ConfigError for a value that such a file cannot hold, and writes nothing then.
    """
    path = folder / ".env"
    known, there = read_env(folder), path.read_bytes() if path.is_file() else b""
    missing = {name: value for name, value in values.items() if name not in known or (value and not known[name])}
    lines = [_assignment(name, value) for name, value in missing.items()]
    if there and not there.endswith(b"\n"):
        lines.insert(0, "\n")
    if missing:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(lines))


def _assignment(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    line = f"{name}='{quoted}'\n" if value else f"{name}=\n"
    if (dotenv_values(stream=StringIO(line)).get(name) or "") != value:
        raise ConfigError([f".env cannot hold the value of {name}; set the variable in the environment"])
    return line


def _accounts(text: str) -> yaml.SequenceNode | None:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    for key, value in pairs:
        if key.value == "accounts" and isinstance(value, yaml.SequenceNode) and value.value and not value.flow_style:
            return value
    return None


def _reads_as(text: str, document: Mapping[str, Any]) -> bool:
    try:
        return bool(yaml.safe_load(text) == document)
    except yaml.YAMLError:
        return False


def _is_between(line: str, margin: int) -> bool:
    """Whether a line belongs to what follows the list: blank, or a comment no deeper than its dashes."""
    words = line.lstrip()
    return not words or (words.startswith("#") and len(line) - len(words) <= margin)
