"""One YAML file as a mapping, or a sentence about what is wrong with it. What the mapping means is not known here.

No message quotes the file: a secret may stand in it by mistake.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from extractors.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice: YAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        again = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if again is not None:
            raise yaml.constructor.ConstructorError(
                problem=f"the key {again} stands twice", problem_mark=node.start_mark
            )
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """The file's one document. Raises ConfigError."""
    try:
        return parse_yaml(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from error


def parse_yaml(content: bytes, name: str) -> dict[str, Any]:
    """The one document of what stands in a file of that name, or is about to. Raises ConfigError."""
    try:
        raw = _Loader(content.decode()).get_single_data()
        json.dumps(raw, default=str, skipkeys=True)  # an alias that holds itself would be followed for ever
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        what = re.sub(r"'[^']*'", "…", error.problem or error.context or "is no YAML")
        raise ConfigError([f"{name}: {where}{what}"]) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError([f"{name}: is no YAML that can be read ({type(error).__name__})"]) from None
    if not isinstance(raw, dict):
        raise ConfigError([f"{name}: is not a mapping with landing, warehouse, defaults and accounts"])
    return raw
