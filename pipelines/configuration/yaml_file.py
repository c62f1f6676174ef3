"""Reading one YAML file as a mapping, with a sentence for each way in which it can be wrong.

The meaning of the mapping must not come in. No message quotes the file: a secret may stand in it by mistake.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from extractors.errors import ConfigError


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice in one mapping: YAML would silently keep the last value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        repeated = next((key for at, key in enumerate(keys) if key in keys[:at]), None)
        if repeated is not None:
            problem = f"the key {repeated} is given twice"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the one document of a YAML file. Raises ConfigError for a file that cannot be read."""
    try:
        return parse_yaml(path.read_bytes(), path.name)
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from error


def parse_yaml(content: bytes, name: str) -> dict[str, Any]:
    """Return the one document in the content of a file called ``name``, which need not exist yet.

    Raises ConfigError for content that is not YAML or not a mapping.
    """
    try:
        raw = _Loader(content.decode()).get_single_data()
        # refuses an alias that contains itself: validation would follow it without end
        json.dumps(raw, default=str, skipkeys=True)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark else ""
        problem = re.sub(r"'[^']*'", "…", error.problem or error.context or "is not valid YAML")
        raise ConfigError([f"{name}: {where}{problem}"]) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError([f"{name}: cannot be read as YAML ({type(error).__name__})"]) from None
    if not isinstance(raw, dict):
        raise ConfigError([f"{name}: is not a mapping with landing, warehouse, defaults and accounts"])
    return raw
