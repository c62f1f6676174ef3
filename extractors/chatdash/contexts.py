"""The facts that ChatDash's requests hand on to the transform with each response, in ``Response.context``."""

from typing import TypedDict


class AnalyticsContext(TypedDict):
    """Of the stream ``analytics``: the metrics that were requested."""

    metrics: list[str]
