"""Which of the accepted shapes the sandbox answers with: every form that a vendor's reference leaves open.

One flat dataclass of plain values, so that a test can change one word and a process can be told over HTTP.
"""

from dataclasses import dataclass


@dataclass
class ResponseShapes:
    """The shapes in use. A field's comment lists what it may hold; the first is the default."""

    numbers: str = "int"  # int | float | string: counts in every provider's answers
    money: str = "number"  # number | string
    extra_fields: bool = False  # objects hold a field, exports a column, that stands in no reference
    delay_seconds: float = 0.0  # how long every vendor thinks before it answers

    cognigy_empty_days: str = "omit"  # omit | zero
    cognigy_per_channel: str = "list"  # list | absent | empty
    cognigy_error_code: str = "number"  # number | string

    chatdash_totals: str = "total"  # total (with many counts) | total_only | one_count | neither
    chatdash_tokens: str = "list"  # list | absent
    chatdash_refusal: str = "named"  # named | unnamed: whether a 400 names the metric
    chatdash_top: int = 10

    chatlayer_x_values: str = "rfc3339"  # rfc3339 | rfc3339_offset | date (day buckets only) | epoch_s | epoch_ms
    chatlayer_buckets: str = "all"  # all | sparse
    chatlayer_labels: str = "both"  # both | labels | series_labels
    chatlayer_zeros: str = "omit"  # omit | keep
    chatlayer_empty: str = "bare"  # bare: {} | data: {"data": {}}
    chatlayer_int64: str = "string"  # string | number
    chatlayer_short_range: str = "refuse"  # refuse | allow: a range no longer than its bucket
    chatlayer_page: int = 7  # intents on a page at most, whatever `first` says

    report_keys: str = "name"  # name | id
    scalars: str = "bare"  # bare | value | count
    breakdowns: str = "map"  # map | list
    breakdown_name: str = "key"  # key | id | name: the member's field in a list
    breakdown_value: str = "count"  # count | value
    intervals: str = "list"  # list | map
    channels_envelope: bool = False
    totals_count_tests: bool = False  # whether the overview's totals hold `debug` too
    inbox_values: str = "bare"  # bare | value

    export_id: str = "exportId"  # exportId | id | location
    export_link: str = "downloadUrl"  # downloadUrl | downloadLink
    export_words: tuple[str, ...] = ("pending", "running", "completed")  # one per poll, the last one stays
    export_polls: int = 2  # answers before the last word
    export_error: str = ""  # set: the job ends as `failed` with this text
    export_dead_links: int = 0  # so many links answer 403 before one works
    export_link_seconds: float = 300.0

    csv_delimiter: str = ","  # , | ; | tab
    csv_bom: bool = False
    csv_gzip: bool = False
    csv_decimal_comma: bool = False
    csv_headers: str = "camel"  # camel | snake | space | upper | german | alternative
    csv_order: str = "plain"  # plain | reversed
    csv_times: str = "utc"  # utc | offset | local (no offset)
    csv_grain: str = "conversation"  # conversation | total (date x channel)
    csv_extra_column: bool = False
    csv_length: bool = True  # whether Content-Length is sent
    csv_cut_bytes: int = 0  # so many bytes at the end are never sent

    inkeep_page_size: int = 100
    inkeep_buckets: str = "date"  # date | instant | space
