"""Render values as YAML that people read: keys in their order, long texts folded, no aliases."""

from typing import Any

import yaml

_WIDTH = 110


class _PlainDumper(yaml.SafeDumper):
    """A dumper that writes a value again where it stands twice."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


def render_yaml(value: Any) -> str:
    """Return a value of dictionaries, lists and scalars as YAML. The same value gives the same text."""
    text: str = yaml.dump(value, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    return text
