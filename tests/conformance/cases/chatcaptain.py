"""ChatCaptain: reports of one local day, and an export job for a calendar month."""

from sandbox.account import SandboxAccount
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.conformance.cases import Cases
from tests.support.day_range import DayRange


def count_least_requests(_world: World, account: SandboxAccount, days: DayRange) -> int:
    """Return the channel list; a day's overview, inbox and report of each listed channel; an export a calendar month.

    An export is created, polled until it is done, and downloaded.
    """
    listed = sum(channel.listed for channel in account.channels)
    polls = ResponseShapes().export_polls + 1
    return 1 + (2 + listed) * len(days) + (1 + polls + 1) * days.count_months()


CASES = Cases(
    streams={"channels": None, "overview_report": 1, "channel_report": 1, "inbox": 1, "export": 31},
    least_requests=count_least_requests,
    shapes={
        "report_keys": ("name", "id"),
        "scalars": ("bare", "value", "count"),
        "breakdowns": ("map", "list"),
        "breakdown_name": ("key", "id", "name"),
        "breakdown_value": ("count", "value"),
        "intervals": ("list", "map"),
        "channels_envelope": (False, True),
        "totals_count_tests": (False, True),
        "inbox_values": ("bare", "value"),
        "export_id": ("exportId", "id", "location"),
        "export_link": ("downloadUrl", "downloadLink"),
        "export_words": (("pending", "running", "completed"), ("queued", "wird erstellt", "DONE"), ("finished",)),
        "export_polls": (2, 0),
        "export_dead_links": (0, 1),
        "csv_delimiter": (",", ";", "tab"),
        "csv_bom": (False, True),
        "csv_gzip": (False, True),
        "csv_packed": (False, True),
        "csv_encoding": ("utf-8", "utf-16"),
        "csv_line_end": ("\r\n", "\n", "\r"),
        "csv_delimiter_line": (False, True),
        "csv_decimal_comma": (False, True),
        "csv_headers": ("camel", "snake", "space", "upper", "german", "alternative"),
        "csv_order": ("plain", "reversed"),
        "csv_times": ("utc", "offset", "local"),
        "csv_grain": ("conversation", "total"),
        "csv_extra_column": (False, True),
        "csv_length": (True, False),
    },
    undated_streams=("channels", "inbox"),
    signed_figures=("name", "number"),  # of the inbox, whose numbers have names of the provider's own
    response_secrets=("fake-channel-secret",),
)
