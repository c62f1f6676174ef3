"""Charts as SVG: every mark once with its tooltip, few labels, and short numbers."""

import re
from collections.abc import Sequence
from datetime import date, timedelta
from html import unescape

import pytest

from pipelines.report.model import Chart, Gap, Mark
from pipelines.report.page.charts import HEIGHT, POINT_SHAPES, WIDTH, render_svg
from pipelines.report.page.small_charts import render_small_svg
from pipelines.report.period import BucketUnit
from tests.support.html_page import Element, parse_page
from tests.support.report_warehouse import HOSTILE_NAME

FIRST = date(2025, 3, 1)


def draw_chart(unit: BucketUnit, at: Sequence[date], slots: Sequence[int] = (1,), **more: object) -> Element:
    marks = [
        Mark(day, slot, 10.0 * slot or 5, f"{day} {slot}", is_partial=day == at[0]) for day in at for slot in slots
    ]
    chart = Chart("bars", unit, at, marks, "Bars.")
    return parse_page(render_svg(Chart(**{**vars(chart), **more}))).find_one("svg")  # type: ignore[arg-type]


def find_marks(picture: Element) -> list[Element]:
    return [path for path in picture.find_all("path") if path.find_all("title")]


def label_texts(picture: Element) -> list[str]:
    return [label.text for label in picture.find_all("text")]


def test_every_mark_is_drawn_once_with_its_tooltip() -> None:
    at = [FIRST + timedelta(day) for day in range(28)]
    picture = draw_chart("day", at, slots=(1, 2, 0))
    assert sorted(title.text for title in picture.find_all("title")) == sorted(
        f"{day} {slot}" for day in at for slot in (0, 1, 2)
    )
    hollow = [mark for mark in find_marks(picture) if mark.attributes["fill"] == "var(--paper)"]
    colours = {"var(--slot-1)", "var(--slot-2)", "var(--rest)"}
    assert {mark.attributes["fill"] for mark in find_marks(picture)} - {"var(--paper)"} == colours
    assert {mark.attributes["stroke"] for mark in hollow} == colours
    assert len(hollow) == 3
    assert picture.attributes["viewbox"] == f"0 0 {WIDTH} {HEIGHT}"


@pytest.mark.parametrize(
    ("unit", "at", "expected"),
    [
        ("day", [FIRST + timedelta(day) for day in range(28)], ["3 Mar", "10 Mar", "17 Mar", "24 Mar"]),
        ("day", [FIRST], ["1 Mar"]),
        (
            "week",
            [FIRST + timedelta(7 * week) for week in range(10)],
            ["1 Mar", "15 Mar", "29 Mar", "12 Apr", "26 Apr"],
        ),
        ("month", [date(2024, 11, 1), date(2024, 12, 1), date(2025, 1, 1)], ["Nov ’24", "Dec ’24", "Jan ’25"]),
        ("quarter", [date(2024, 10, 1), date(2025, 1, 1)], ["Q4 ’24", "Q1 ’25"]),
        ("year", [date(2024, 1, 1), date(2025, 1, 1)], ["2024", "2025"]),
    ],
)
def test_labels_of_time_are_few_and_in_the_unit(unit: BucketUnit, at: list[date], expected: list[str]) -> None:
    assert label_texts(draw_chart(unit, at))[: len(expected)] == expected


@pytest.mark.parametrize(
    ("form", "values", "expected"),
    [
        ("number", (0, 1), ["0", "1"]),
        ("number", (0, 9_000), ["0", "2,000", "4,000", "6,000", "8,000"]),
        ("number", (0, 4_000_000), ["0", "1M", "2M", "3M", "4M"]),
        ("percent", (0.77, 0.94), ["60%", "70%", "80%", "90%", "100%"]),
        ("percent", (0, 1), ["0%", "20%", "40%", "60%", "80%", "100%"]),
        ("amount", (0.2, 0.19), ["0.00", "0.05", "0.10", "0.15", "0.20"]),
        ("amount", (0.002,), ["0.0000", "0.0005", "0.0010", "0.0015", "0.0020"]),
        ("amount", (250, 1), ["0", "50", "100", "150", "200", "250"]),
        ("amount", (20_000, 1), ["0", "5k", "10k", "15k", "20k"]),
        ("amount", (3, -1), ["-1.00", "0.00", "1.00", "2.00", "3.00"]),
    ],
)
def test_scales_begin_where_lines_are_distinguishable(form: str, values: Sequence[float], expected: list[str]) -> None:
    at = [FIRST + timedelta(day) for day in range(len(values))]
    marks = [Mark(day, 1, value, "tooltip") for day, value in zip(at, values, strict=True)]
    picture = draw_chart("day", at, kind="lines", value_format=form, marks=marks)
    assert [label for label in label_texts(picture) if "Mar" not in label] == expected


def test_points_of_each_line_have_a_shape_of_their_own() -> None:
    at = [FIRST, FIRST + timedelta(1)]
    marks = [Mark(day, slot, slot, f"{slot}") for day in at for slot in range(1, len(POINT_SHAPES) + 1)]
    picture = draw_chart("day", at, kind="lines", marks=marks)
    shapes = {point.find_one("title").text: _shape(point) for point in find_marks(picture)}
    assert len(set(shapes.values())) == len(shapes) == len(POINT_SHAPES)


def _shape(point: Element) -> str:
    return re.sub(r"[\d.,-]+", "", point.attributes["d"] or "") + (point.attributes["d"] or "")


def test_names_are_escaped_and_places_short() -> None:
    marks = [Mark(FIRST, 1, 1 / 3, HOSTILE_NAME)]
    html = render_svg(Chart("bars", "day", [FIRST], marks, HOSTILE_NAME))
    picture = parse_page(html).find_one("svg")
    assert picture.find_one("title").text == picture.attributes["aria-label"] == HOSTILE_NAME
    assert {element.tag for element in picture.descendants()} == {"g", "path", "line", "text", "title"}
    assert not re.search(r"\d\.\d\d", unescape(" ".join(re.findall(r' (?:d|transform)="[^"]*"', html))))


def test_zero_no_number_and_a_part_of_the_days_each_look_different() -> None:
    at = [FIRST + timedelta(day) for day in range(6)]
    marks = [Mark(at[0], 1, 5, "full"), Mark(at[1], 1, 5, "part", is_partial=True), Mark(at[2], 1, 0, "zero")]
    marks.append(Mark(at[3], 1, 0, "zero of a part", is_partial=True))
    picture = draw_chart("day", at, marks=marks, gaps=[Gap(at[4], at[5], "not loaded")])
    shapes = {mark.find_one("title").text: mark.attributes for mark in find_marks(picture)}
    assert {title: (shape.get("fill"), "a" in (shape["d"] or "")) for title, shape in shapes.items()} == {
        "full": ("var(--slot-1)", False),
        "part": ("var(--paper)", False),
        "zero": ("var(--slot-1)", True),
        "zero of a part": ("var(--paper)", True),
        "not loaded": (None, False),
    }
    [hatching, frame] = picture.find_one("g", class_="gap").find_all("path")
    strokes = re.findall(r"M([\d.]+) ([\d.]+)l-([\d.]+) ([\d.]+)", hatching.attributes["d"] or "")
    assert len(strokes) > 20
    left, top, right, base = map(
        float, re.findall(r"M([\d.]+) ([\d.]+)H([\d.]+)V([\d.]+)", frame.attributes["d"] or "")[0]
    )
    for x, y, across, down in (map(float, stroke) for stroke in strokes):
        assert left - 0.2 <= x - across <= x <= right + 0.2
        assert top - 0.2 <= y <= y + down <= base + 0.2


def test_a_stack_is_in_the_order_of_its_marks_and_has_no_bars_of_nothing() -> None:
    marks = [Mark(FIRST, slot, value, str(slot)) for slot, value in ((2, 30), (0, 0), (1, 10))]
    picture = draw_chart("day", [FIRST], marks=marks)
    tops = {mark.text: float((mark.attributes["d"] or "").split()[1].split("h")[0]) for mark in find_marks(picture)}
    assert list(tops) == ["2", "1"]
    assert tops["2"] > tops["1"]


def test_a_negative_cost_is_below_the_zero() -> None:
    at = [FIRST, FIRST + timedelta(1), FIRST + timedelta(2)]
    marks = [Mark(day, 1, value, str(value)) for day, value in zip(at, (3, -1, 0), strict=True)]
    picture = draw_chart("day", at, marks=marks, value_format="amount")
    ends = {
        mark.text: (float(str(mark.attributes["d"]).split()[1].split("h")[0].split("a")[0]), str(mark.attributes["d"]))
        for mark in find_marks(picture)
    }
    base = float(re.findall(r"V([\d.]+)", ends["3"][1])[0])
    assert ends["-1"][0] == base < float(re.findall(r"V([\d.]+)", ends["-1"][1])[0])
    assert base - 5 < ends["0"][0] < base


def test_a_line_breaks_without_a_value_and_is_dashed_beside_a_part() -> None:
    at = [FIRST + timedelta(day) for day in range(6)]
    marks = [Mark(day, 1, 5, str(day), is_partial=day == at[5]) for day in at if day != at[2]]
    lines = [line for line in draw_chart("day", at, kind="lines", marks=marks).find_all("path") if not line.text]
    segments = {
        bool(line.attributes.get("stroke-dasharray")): (line.attributes["d"] or "").count("M") for line in lines
    }
    assert segments == {False: 2, True: 1}


def test_a_small_chart_has_one_path_of_each_kind() -> None:
    at = [FIRST + timedelta(day) for day in range(60)]
    values = [7, 0, *[12_000] * 55]
    marks = [Mark(day, 1, value, "", is_partial=day == at[0]) for day, value in zip(at, values, strict=False)]
    html = render_small_svg(Chart("bars", "day", at, marks, HOSTILE_NAME, gaps=[Gap(at[57], at[59], "not loaded")]))
    picture = parse_page(html).find_one("svg")
    assert picture.find_one("title").text == HOSTILE_NAME
    assert [path.attributes.get("class") for path in picture.find_all("path")] == [None, "bars", "hollow", "full"]
    assert picture.find_one("text").text == "12k"
    assert len(html) < 2500


def test_a_small_chart_without_any_number_is_hatched() -> None:
    chart = Chart("bars", "day", [FIRST], (), "Nothing.", gaps=[Gap(FIRST, FIRST, "not loaded")])
    picture = parse_page(render_small_svg(chart)).find_one("svg")
    assert picture.find_one("g", class_="gap").find_all("path")
    assert picture.find_one("text").text == ""
