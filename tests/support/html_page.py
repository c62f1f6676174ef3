"""A page read back: its elements, tables and texts, with nothing of what wrote it. No expectations."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    tag: str
    attributes: dict[str, str | None]
    parts: list["Element | str"] = field(default_factory=list)

    def find_all(self, tag: str, **wanted: str) -> list["Element"]:
        """Every such element below this one, in the order of the page; ``class_`` is one of its classes."""
        return [each for each in self.descendants() if each.tag == tag and each._is(wanted)]

    def find_one(self, tag: str, **wanted: str) -> "Element":
        [found] = self.find_all(tag, **wanted)
        return found

    def descendants(self) -> Iterator["Element"]:
        for part in self.parts:
            if isinstance(part, Element):
                yield part
                yield from part.descendants()

    @property
    def text(self) -> str:
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    @property
    def rows(self) -> list[list[str]]:
        """The cells of a table's body."""
        return [
            [cell.text for cell in row.parts if isinstance(cell, Element)]
            for row in self.find_one("tbody").find_all("tr")
        ]

    def _is(self, wanted: dict[str, str]) -> bool:
        return all(
            value in (self.attributes.get("class") or "").split()
            if name == "class_"
            else self.attributes.get(name) == value
            for name, value in wanted.items()
        )


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.open[-1].parts.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].parts.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        closed = self.open.pop()
        assert closed.tag == tag, f"</{tag}> closes <{closed.tag}>"

    def handle_data(self, data: str) -> None:
        self.open[-1].parts.append(data)


def parse_page(html: str) -> Element:
    """The page as elements; an element that is left open, or closed by another's end, is an error."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    [root] = reader.open
    return root


def find_card(page: Element, section: str, title: str) -> Element:
    """The card of this title in the section of this id."""
    [found] = [
        each
        for each in page.find_one("section", id=section).find_all("article")
        if each.find_one("h3").text.strip() == title
    ]
    return found


def rows_by_label(table: Element) -> dict[str, list[str]]:
    """A table's rows by their first cell; numbers as they are shown, without what sets thousands apart."""
    return {row[0]: [cell.replace(",", "") for cell in row[1:]] for row in table.rows}
