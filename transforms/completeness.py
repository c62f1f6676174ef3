"""The refusal of a response that announces more than it holds: an incomplete list is no list with zeros in it.

Known are the usual ways to announce: a number of all items or of pages, a flag that more exist, a cursor or link to the
next page; beside the list, or in an object for paging there. What must not come in: a provider.
"""

import re
from collections.abc import Collection
from decimal import Decimal
from functools import lru_cache

from transforms.reading import Node, normalize_key

_ITEM_NUMBERS = re.compile(
    "total(count|items|itemcount|results|records|rows|elements|hits|size)?|(item|record|row|result)?count|numfound"
)
_PAGE_NUMBERS = re.compile("(total|numberof)?pages|pagecount|lastpage")
_FLAGS_OF_MORE = re.compile(
    "(has)?more(items|pages|results|available)?|hasnext(page)?|(is)?truncated|incomplete(results)?|(is)?partial"
)
_FLAGS_OF_THE_END = re.compile("(is)?last(page)?|(is)?complete")
_NEXT = re.compile("next(page)?(cursor|token|link|url|offset|href)?|continuationtoken")
_PAGING_OBJECTS = re.compile("pagination|page|paging|pageinfo|meta|metadata|links")


def refuse_incomplete(node: Node, item_count: int | None, sums: Collection[Decimal | int] = ()) -> None:
    """Check the object around a list of ``item_count`` items; letter case and ``_`` in its keys are ignored.

    ``sums`` are other numbers that a total may legitimately be, such as the sum of the items' counts. Without an
    ``item_count`` totals are not checked, because they count something else. Raises ShapeError for an object that
    announces more items than these, further pages or a next page.
    """
    for key, announced in node.entries():
        name = normalize_key(key).removeprefix("@odata.")
        if _PAGING_OBJECTS.fullmatch(name) and isinstance(announced.value, dict):
            refuse_incomplete(announced, item_count, sums)
        elif _PAGING_OBJECTS.fullmatch(name) and isinstance(announced.value, list):
            _refuse_next_link(announced)
        else:
            _refuse_announcement(name, announced, item_count, sums)


def _refuse_announcement(name: str, announced: Node, item_count: int | None, sums: Collection[Decimal | int]) -> None:
    for kind in _find_kinds(name):
        number = _read_number(announced)
        is_more = number is not None and item_count is not None and number > item_count and number not in sums
        if kind is _ITEM_NUMBERS and is_more:
            announced.refuse(f"announces more than the {item_count} that came")
        if kind is _PAGE_NUMBERS and number is not None and number > 1:
            announced.refuse("announces further pages, which did not come")
        if kind is _FLAGS_OF_MORE and _is_flag(announced, "true"):
            announced.refuse("announces more, which did not come")
        if kind is _FLAGS_OF_THE_END and _is_flag(announced, "false"):
            announced.refuse("announces more, which did not come")
        if kind is _NEXT and announced.value and not _is_flag(announced, "false"):
            announced.refuse("announces a next page, which did not come")


@lru_cache(maxsize=10_000)
def _find_kinds(name: str) -> tuple[re.Pattern[str], ...]:
    """Return what a key of this name may announce; nothing for nearly every key."""
    kinds = (_ITEM_NUMBERS, _PAGE_NUMBERS, _FLAGS_OF_MORE, _FLAGS_OF_THE_END, _NEXT)
    return tuple(kind for kind in kinds if kind.fullmatch(name))


def _refuse_next_link(links: Node) -> None:
    """Check a list of links, ``[{rel, href}]``."""
    for link in links.elements():
        if isinstance(link.value, dict) and str(link.value.get("rel")).casefold() == "next":
            link.refuse("announces a next page, which did not come")


def _read_number(node: Node) -> Decimal | None:
    """Return a number, also one in text; None for any other value: it announces nothing that can be compared."""
    value = node.value
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    is_digits = isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal()
    return Decimal(value) if is_number or is_digits else None


def _is_flag(node: Node, flag: str) -> bool:
    return str(node.value).strip().casefold() == flag
