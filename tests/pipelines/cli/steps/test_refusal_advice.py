"""A 404 tells a wrong path from a wrong id where the provider's words do."""

import json

import pytest

from extractors.errors import ErrorLocation, RequestRefused
from extractors.registry import get_account_model
from pipelines.cli.steps.refusal_advice import explain_refusal

ACCOUNT = get_account_model("chatdash").model_validate(
    {"name": "a", "api_key": "fake", "project_id": "p-77", "base_url": "https://api.example/v2"}
)


@pytest.mark.parametrize(
    ("status", "body", "start"),
    [
        (
            404,
            b"<html>Not Found</html>",
            "the path of base_url is wrong: it is https://api.example/v2, and that",
        ),
        (404, b"", "the path of base_url is wrong"),
        (404, {"message": "no Route matched with those values"}, "the path of base_url is wrong"),
        (404, {"error": "Cannot POST /v2/analytics"}, "the path of base_url is wrong"),
        (405, {"message": "unknown endpoint"}, "the path of base_url is wrong"),
        (
            404,
            {"message": "Project not found"},
            "base_url is right, for the provider's API answers",
        ),
        (404, {"message": "nothing at p-77"}, "base_url is right"),
        (404, {"message": "Not Found"}, "the answer does not say what is wrong: look at project_id, then whether"),
        (400, {"message": "Project not found"}, ""),
    ],
)
def test_the_words_of_a_404(status: int, body: object, start: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    error = RequestRefused(ErrorLocation("chatdash", "a"), "HTTP", status=status, body=content)
    advice = explain_refusal(error, ACCOUNT)
    assert advice.startswith(start)
    assert bool(advice) == bool(start)
