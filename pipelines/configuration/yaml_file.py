"""Reading one YAML file as a mapping, with a sentence for each way in which it can be wrong.

Every value is the text of the file, character for character, or None where the file says null: which texts are numbers,
flags or days, only the setting knows. (YAML itself would read ``0123`` as 83, ``12:30`` as 750 and ``no`` as false.)

The meaning of the mapping must not come in. No message quotes the file: a secret may stand in it by mistake.
"""

import json
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer

from extractors.errors import ConfigError
from pipelines.configuration.yaml_problems import describe_other_error, describe_yaml_error

_STRING, _NULL, _MERGE = (f"tag:yaml.org,2002:{name}" for name in ("str", "null", "merge"))


class _TextComposer(Composer):
    """Reads each value as the text it is, and refuses a key that is given twice: YAML would keep the last value."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - overrides PyYAML's own, which is no ClassVar
        first: [(tag, pattern) for tag, pattern in resolvers if tag in (_NULL, _MERGE)]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors = {
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("str", "null", "map", "seq")
    } | {_MERGE: yaml.SafeLoader.construct_yaml_str}  # as a value, `<<` is a text

    def compose_mapping_node(self, anchor: dict[Any, yaml.Node]) -> yaml.MappingNode:
        """Compose a mapping whose keys are texts, each given once. A plain ``null`` is a key like any other."""
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        keys = set[str]()
        for key, _ in node.value:
            if key.tag == _NULL:
                key.tag = _STRING
            if isinstance(key, yaml.ScalarNode) and key.value in keys:
                problem = f"the key {key.value} is given twice"
                raise yaml.constructor.ConstructorError(problem=problem, problem_mark=key.start_mark)
            keys.add(str(key.value))
        return node


class _Loader(_TextComposer, yaml.SafeLoader):
    """The loader whose sentences about a file that is not YAML are shown."""


_Parser = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _FastLoader(_TextComposer, _Parser):  # type: ignore[misc, valid-type]
    """Scans and parses with libyaml, where PyYAML is built with it: that takes a seventh of the time.

    Values are composed in Python all the same: libyaml's own composer calls itself for each level, and a file that is
    nested deeply would end the process.
    """

    def __init__(self, text: str) -> None:
        _Parser.__init__(self, text)
        Composer.__init__(self)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the one document of a YAML file. Raises ConfigError for a file that cannot be read."""
    try:
        return parse_yaml(path.read_bytes(), path.name)
    except OSError as error:
        advice = f"let this user read {path.resolve()}"
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}; {advice}"]) from error


def parse_yaml(content: bytes, name: str) -> dict[str, Any]:
    """Return the one document in the content of a file called ``name``, which need not exist yet.

    Raises ConfigError for content that is not YAML or not a mapping.
    """
    try:
        raw = parse_value(content.decode())
        # refuses an alias that contains itself: validation would follow it without end
        json.dumps(raw, default=str, skipkeys=True)
    except yaml.MarkedYAMLError as error:
        raise ConfigError([f"{name}: {describe_yaml_error(error)}"]) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ConfigError([f"{name}: cannot be read as YAML: {describe_other_error(error)}"]) from None
    if raw is None:
        raise ConfigError([f"{name}: is empty; `chatmart init` writes one"])
    if not isinstance(raw, dict):
        raise ConfigError(
            [f"{name}: is not a file of keys and values (`key: value`), such as landing, warehouse and accounts"]
        )
    return raw


def parse_value(text: str) -> Any:
    """Return the one value that a text of YAML holds: texts, lists and mappings of texts, None for null or no text.

    Raises yaml.YAMLError or ValueError for a text that is not YAML.
    """
    try:
        return _FastLoader(text).get_single_data()
    except yaml.YAMLError:  # the sentences and lines are those of PyYAML, whatever it is built with
        return _Loader(text).get_single_data()


def render_yaml(value: Any) -> str:
    """Return the YAML of a value, which reads back as it is. A text that other programs could misread is quoted."""
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000))
