"""What errors say."""

import pytest

from extractors import redaction
from extractors.errors import ErrorLocation, ShapeError


@pytest.mark.parametrize("filler", range(95, 125))
def test_no_part_of_a_secret_is_left_where_a_value_is_cut(filler: int) -> None:
    redaction.register_secrets("Geheim+7")
    error = ShapeError(ErrorLocation("cognigy", "acme"), "items", "is not an array", "x" * filler + "Geheim+7" * 2)
    assert "Geh" not in str(error)
