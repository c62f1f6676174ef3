"""The facts that ChatCaptain's requests hand on to the transform with each response, in ``Response.context``.

Streams without a class here have no context.
"""

from typing import Any, NotRequired, TypedDict


class ChannelReportContext(TypedDict):
    """Of the stream ``channel_report``: the channel's id and type as listed; the type is empty if none is reported.

    The channel list, which is the first response of each batch, has an empty context.
    """

    channel_id: str
    channel_type: str


class ExportContext(TypedDict):
    """Of the stream ``export``: the id of the job that made the file, and the file's ``CsvCounts`` as JSON.

    ``is_end_confirmed`` is false for a file whose end nothing marked (``DownloadedFile``). A file that an earlier
    release landed has neither this nor the counts.
    """

    export: str
    counts: NotRequired[dict[str, Any]]
    is_end_confirmed: NotRequired[bool]
