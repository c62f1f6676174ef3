"""Parses an HTML page into elements, tables and texts, independently of the code that wrote it. No assertions on it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "br", "hr", "img", "input"}


@dataclass
class Element:
    """An element of a page; ``parts`` are its child elements and texts in order."""

    tag: str
    attributes: dict[str, str | None]
    parts: list["Element | str"] = field(default_factory=list)

    def find_all(self, tag: str, **wanted: str) -> list["Element"]:
        """Return all matching elements below this one, in page order; ``class_`` matches one of the classes."""
        return [element for element in self.descendants() if element.tag == tag and element._matches(wanted)]

    def find_one(self, tag: str, **wanted: str) -> "Element":
        """Return the only matching element; any other number of matches is a ValueError."""
        [element] = self.find_all(tag, **wanted)
        return element

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
        """The texts of the cells in a table's body, row by row."""
        return [
            [cell.text for cell in row.parts if isinstance(cell, Element)]
            for row in self.find_one("tbody").find_all("tr")
        ]

    def _matches(self, wanted: dict[str, str]) -> bool:
        return all(
            value in (self.attributes.get("class") or "").split()
            if name == "class_"
            else self.attributes.get(name) == value
            for name, value in wanted.items()
        )


class _PageReader(HTMLParser):
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
    """Return the page as elements. An unclosed element is a ValueError, a wrong end tag an AssertionError."""
    reader = _PageReader()
    reader.feed(html)
    reader.close()
    [root] = reader.open
    return root


def find_card(page: Element, section: str, title: str) -> Element:
    """Return the card with this title in the section with this id."""
    [card] = [
        card
        for card in page.find_one("section", id=section).find_all("article")
        if card.find_one("h3").text.strip() == title
    ]
    return card


def rows_by_label(table: Element) -> dict[str, list[str]]:
    """Return a table's rows by their first cell, with numbers as shown but without thousands separators."""
    return {row[0]: [cell.replace(",", "") for cell in row[1:]] for row in table.rows}
