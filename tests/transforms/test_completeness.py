"""A response that announces more than it holds is refused; what fits, or announces nothing, is not."""

from typing import Any

import pytest

from extractors.errors import ErrorLocation, ShapeError
from transforms.completeness import refuse_incomplete
from transforms.reading import Node


def build_node(value: Any) -> Node:
    return Node(value, "$", ErrorLocation("cognigy", "acme", "conversation_counter"))


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({"total": 30}, "$.total: announces more than the 20 that came, saw 30"),
        ({"total": "30"}, "$.total"),
        ({"count": 21}, "$.count"),
        ({"totalCount": 30}, "$.totalCount"),
        ({"total_count": 30}, "$.total_count"),
        ({"page": {"size": 20, "totalElements": 30}}, "$.page.totalElements"),
        ({"pagination": {"total": 30}}, "$.pagination.total"),
        ({"meta": {"pagination": {"total": 30}}}, "$.meta.pagination.total"),
        ({"totalPages": 2}, "$.totalPages: announces further pages, which did not come"),
        ({"has_more": True}, "$.has_more: announces more, which did not come"),
        ({"hasMore": "true"}, "$.hasMore"),
        ({"pageInfo": {"hasNextPage": True}}, "$.pageInfo.hasNextPage"),
        ({"truncated": True}, "$.truncated"),
        ({"last": False}, "$.last"),
        ({"next": "https://example.test/2"}, "$.next: announces a next page, which did not come"),
        ({"nextPage": 2}, "$.nextPage"),
        ({"next_cursor": "abc"}, "$.next_cursor"),
        ({"nextPageToken": "abc"}, "$.nextPageToken"),
        ({"@odata.nextLink": "https://example.test/2"}, "$.@odata.nextLink"),
        ({"_links": {"self": {"href": "/"}, "next": {"href": "/2"}}}, "$._links.next"),
        ({"links": [{"rel": "self"}, {"rel": "next", "href": "/2"}]}, "$.links[1]"),
    ],
)
def test_what_announces_more_is_refused_by_name(envelope: dict[str, Any], field: str) -> None:
    with pytest.raises(ShapeError) as caught:
        refuse_incomplete(build_node({"items": [], **envelope}), 20)
    assert str(caught.value).startswith(f"acme (cognigy.conversation_counter): field {field}")


@pytest.mark.parametrize(
    "envelope",
    [
        {},
        {"total": 20},
        {"total": 20.0},
        {"total": 512},  # the sum of the items' counts
        {"total": None},
        {"total": "many"},
        {"total": True},
        {"total": {"conversations": 512}},
        {"count": 0},
        {"page": 1, "pages": 1, "limit": 500, "offset": 0},
        {"has_more": False, "next": None, "nextCursor": "", "hasMore": "false"},
        {"next": False, "last": True},
        {"_links": {"self": {"href": "/"}, "next": None}, "links": [{"rel": "self"}, "odd"]},
        {"pagination": {"end_cursor": "abc", "has_more": False}},
        {"pagination": None, "meta": "odd"},
    ],
)
def test_what_fits_or_announces_nothing_is_accepted(envelope: dict[str, Any]) -> None:
    refuse_incomplete(build_node({"items": [], **envelope}), 20, sums=[512])
