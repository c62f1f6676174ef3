"""Writing a configuration: a new file, one more account in an existing file, and the variables of secrets.

Text is rendered before a file is touched, so that the caller can validate it first. Validation itself is in
``validate``.
"""

import os
import re
import secrets
import shutil
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from extractors.account import Account
from extractors.setting_text import convert_text
from pipelines.configuration.schema_file import schema_comment
from pipelines.configuration.secrets import iter_secret_keys, read_env
from pipelines.configuration.yaml_file import parse_value, render_yaml

_HEAD = """\
{editor_line}
# Which accounts chatmart loads, and where to. Relative paths start from this file's folder. Secrets are given by
# reference only; their values are in the environment, or in the .env beside this file.

"""


def required_ids(model: type[Account]) -> list[str]:
    """Return the keys that an account of this provider requires beside its name and its secrets.

    >>> from extractors.registry import get_account_model
    >>> required_ids(get_account_model("cognigy"))
    ['project_id']
    """
    other_keys = {"name", *required_secrets(model)}
    return [key for key, field in model.model_fields.items() if field.is_required() and key not in other_keys]


def required_secrets(model: type[Account]) -> list[str]:
    """Return the keys of an account's credential."""
    return [key for key, *nested in iter_secret_keys(model) if not nested and model.model_fields[key].is_required()]


def secret_variable_name(account: str, key: str) -> str:
    """Return the variable that holds a secret of an account.

    >>> secret_variable_name("acme-support", "api_key")
    'ACME_SUPPORT_API_KEY'
    """
    name = re.sub(r"\W", "_", f"{account}_{key}".upper())
    return f"_{name}" if name[:1].isdigit() else name


def convert_settings(model: type[BaseModel], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings given as texts as they are written into a file: numbers, flags and days without quotes.

    A text stays as it is where the setting is a text, and where validation will refuse it.
    """
    converted = dict(settings)
    for key in model.model_fields.keys() & settings.keys():
        annotation = model.model_fields[key].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(settings[key], dict):
            converted[key] = convert_settings(annotation, settings[key])
            continue
        with suppress(ValueError):
            converted[key] = convert_text(annotation, settings[key])
    return converted


def render_account(account: Mapping[str, Any]) -> str:
    """Return the YAML of an account as an item of the list ``accounts``."""
    return render_yaml([dict(account)])


def render_config(folder: Path, locations: Mapping[str, str], account: Mapping[str, Any]) -> str:
    """Return the text of a new configuration in ``folder`` with one account.

    ``locations`` are the keys ``landing`` and ``warehouse``.
    """
    head = _HEAD.format(editor_line=schema_comment(folder))
    return f"{head}{render_yaml(dict(locations))}\naccounts:\n{textwrap.indent(render_account(account), '  ')}"


def append_account(text: str, account: Mapping[str, Any]) -> str | None:
    """Return a configuration's text with one more account at the end of its list and no other character changed.

    None when inserting lines is not enough: ``accounts`` is missing, empty or not written as a block list.
    """
    ending = "\r\n" if "\r\n" in text else "\n"
    text = text if text.endswith("\n") else text + ending
    accounts = _find_account_list(text)
    if accounts is None:
        return None
    indent, lines = accounts.start_mark.column, text.splitlines(keepends=True)
    line = accounts.end_mark.line
    while line and _is_after_list(lines[line - 1], indent):
        line -= 1
    block = textwrap.indent(render_account(account), " " * indent).replace("\n", ending)
    new_text = "".join([*lines[:line], block, *lines[line:]])
    document = parse_value(text)
    new_document = {**document, "accounts": [*document["accounts"], *parse_value(block)]}
    return new_text if _is_yaml_of(new_text, new_document) else None


def write_config_file(path: Path, text: str) -> None:
    """Replace the file by the text, whole or not at all. Its permissions stay."""
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
    """Append variables to the folder's ``.env``, except those that have a value there.

    A new file is readable by its owner only. ``read_env`` returns each value as it was. Raises ConfigError for a
    ``.env`` that cannot be read.
    """
    path = folder / ".env"
    present, content = read_env(folder), path.read_bytes() if path.is_file() else b""
    missing = {name: value for name, value in values.items() if name not in present or (value and not present[name])}
    lines = [_render_assignment(name, value) for name, value in missing.items()]
    if content and not content.endswith(b"\n"):
        lines.insert(0, "\n")
    if missing:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8") as file:
            file.write("".join(lines))


def _render_assignment(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'\n" if value else f"{name}=\n"


def _find_account_list(text: str) -> yaml.SequenceNode | None:
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    for key, value in pairs:
        if key.value == "accounts" and isinstance(value, yaml.SequenceNode) and value.value and not value.flow_style:
            return value
    return None


def _is_yaml_of(text: str, document: Mapping[str, Any]) -> bool:
    try:
        return bool(parse_value(text) == document)
    except (ValueError, yaml.YAMLError):
        return False


def _is_after_list(line: str, indent: int) -> bool:
    """Whether a line no longer belongs to the list: it is blank, or a comment indented no deeper than the dashes."""
    content = line.lstrip()
    return not content or (content.startswith("#") and len(line) - len(content) <= indent)
