"""The response shapes that ChatCaptain's reference leaves open.

Values only. The comment of a field lists its values; the first is the default.
"""

from dataclasses import dataclass

from sandbox.common_shapes import CommonShapes


@dataclass
class ChatcaptainShapes(CommonShapes):
    """Shapes of ChatCaptain's responses."""

    report_keys: str = "name"  # name | id
    scalars: str = "bare"  # bare | value | count
    breakdowns: str = "map"  # map | list
    breakdown_name: str = "key"  # key | id | name: the member's field in a list
    breakdown_value: str = "count"  # count | value
    intervals: str = "list"  # list | map
    channels_envelope: bool = False
    totals_count_tests: bool = False  # whether the overview's totals include `debug`
    inbox_values: str = "bare"  # bare | value

    export_id: str = "exportId"  # exportId | id | location
    export_link: str = "downloadUrl"  # downloadUrl | downloadLink
    export_words: tuple[str, ...] = ("pending", "running", "completed")  # one per poll; the last one stays
    export_polls: int = 2  # responses before the last word
    export_error: str = ""  # not empty: the job ends as `failed` with this text
    export_dead_links: int = 0  # links that respond with 403 before one works
    export_link_seconds: float = 300.0

    csv_delimiter: str = ","  # , | ; | tab
    csv_bom: bool = False
    csv_gzip: bool = False  # with `Content-Encoding: gzip`
    csv_packed: bool = False  # the file itself is packed with gzip, and no header says so
    csv_encoding: str = "utf-8"  # utf-8 | utf-16
    csv_line_end: str = "\r\n"  # CR LF | LF | CR
    csv_delimiter_line: bool = False  # whether a first line `sep=;` names the delimiter
    csv_decimal_comma: bool = False
    csv_headers: str = "camel"  # camel | snake | space | upper | german | alternative
    csv_order: str = "plain"  # plain | reversed
    csv_times: str = "utc"  # utc | offset | local (no offset)
    csv_grain: str = "conversation"  # conversation | total (date x channel)
    csv_extra_column: bool = False
    csv_length: bool = True  # whether Content-Length is sent
    csv_cut_bytes: int = 0  # bytes at the end that are never sent
