"""The known shape of a response is derived from the list of its fields."""

import pytest

from extractors.registry import PROVIDERS
from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, component_label
from transforms.chatcaptain.export_columns import ACCEPTED_COLUMN_NAMES
from transforms.drift import NamedMembers, flat_object, shape_of_key
from transforms.field_mapping import ROUTING, derive_shape, not_landed, not_loaded, set_body_path, to
from transforms.registry import get_transform

NUMBER = flat_object("value", "count")


def test_places_become_nested_keys_and_lists_are_as_their_entries() -> None:
    mappings = {"items[].day": ROUTING, "items[].split[].n": to("a.n"), "[].id": not_loaded("no id"), "x[]": ROUTING}
    assert derive_shape(mappings) == {"items": {"day": None, "split": {"n": None}}, "id": None, "x": None}


def test_a_value_that_is_declared_itself_is_not_examined() -> None:
    inner, whole = {"user.id": to("a.user_id")}, {"user": to("a.properties")}
    assert derive_shape({**inner, **whole}) == derive_shape({**whole, **inner}) == {"user": None}


def test_a_field_that_is_not_landed_is_known_and_one_of_the_context_is_not() -> None:
    mappings = {"token": not_landed("a secret"), "channel_id": to("a.channel_id", is_in_body=False)}
    assert derive_shape(mappings) == {"token": None}


def test_keys_and_shape_can_be_given_where_the_place_is_not_enough() -> None:
    assert derive_shape({"rows[].n.id": set_body_path(ROUTING, "rows", "n.id")}) == {"rows": {"n.id": None}}
    members = NamedMembers(NUMBER)
    assert derive_shape({"4.name": set_body_path(to("a.b"), "4", shape=members)}) == {"4": members}
    assert derive_shape({"name": set_body_path(to("a.b"), shape=members)}) == members


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_stream_has_a_shape(provider: str) -> None:
    rules = get_transform(provider)
    assert rules.known_shapes.keys() == rules.fields.keys()
    assert None not in rules.known_shapes.values()


def test_every_component_and_every_column_of_chatcaptain_is_declared() -> None:
    shapes = get_transform("chatcaptain").known_shapes
    for stream, names in (("overview_report", OVERVIEW_COMPONENTS), ("channel_report", CHANNEL_COMPONENTS)):
        labels = [component_label(number, names) for number in range(len(names))]
        assert shapes[stream] == {label: shape_of_key(shapes[stream], label) for label in labels}
        unexamined = [label for label in labels if shape_of_key(shapes[stream], label) is None]
        assert unexamined == [label for label in labels if "_TREND" in label]
    assert shapes["export"] == flat_object(*ACCEPTED_COLUMN_NAMES)
