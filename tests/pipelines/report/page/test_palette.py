"""Themes: the built-in ones, files of own colours, and what is wrong with a file."""

import re
from pathlib import Path

import pytest

from pipelines.report.page.palette import THEMES, ThemeError, load_theme, measure_contrast


@pytest.mark.parametrize(
    ("name", "scheme", "paper"),
    [
        ("auto", "light dark", "#fcfcfb"),
        ("light", "light", "#fcfcfb"),
        ("dark", "dark", "#14171a"),
        ("print", "light", "#fff"),
    ],
)
def test_a_built_in_theme_sets_all_colours(name: str, scheme: str, paper: str) -> None:
    theme = load_theme(name)
    css = theme.write_css()
    assert theme.color_scheme == scheme
    assert f"color-scheme: {scheme}; --paper: {paper};" in css
    assert ("prefers-color-scheme" in css) == (name == "auto")
    assert "@media print { :root { --paper: #fff;" in css
    assert not theme.warnings
    assert {len(palette.colours) for palette in (theme.main, theme.paper)} == {17}


@pytest.mark.parametrize("name", THEMES)
def test_built_in_colours_are_easy_to_read(name: str) -> None:
    theme = load_theme(name)
    assert [*theme.main.list_faint_colours(), *theme.paper.list_faint_colours()] == []


def write_file(folder: Path, text: str) -> Path:
    (folder / "brand.yaml").write_text(text, "utf-8")
    return folder


def test_a_file_completes_its_colours_from_the_theme_of_its_paper(tmp_path: Path) -> None:
    theme = load_theme("brand.yaml", write_file(tmp_path, 'paper: "#101820"\nseries: ["#ffcc00"]\n'))
    assert (theme.main.scheme, theme.dark, theme.color_scheme) == ("dark", None, "dark")
    assert theme.main.colours["slot-1"] == "#ffcc00"
    assert theme.main.colours["slot-2"] == load_theme("dark").main.colours["slot-2"]
    assert theme.paper == load_theme("print").main  # nobody prints a black page


def test_a_file_may_have_colours_for_dark_displays(tmp_path: Path) -> None:
    text = 'series: ["#005eb8"]\ndark: {series: ["#7fb2ee"]}\n'
    theme = load_theme("brand.yaml", write_file(tmp_path, text))
    assert theme.dark is not None
    assert (theme.main.scheme, theme.dark.scheme, theme.color_scheme) == ("light", "dark", "light dark")
    assert theme.paper == theme.main


def test_a_colour_that_is_hard_to_read_is_named_and_used(tmp_path: Path) -> None:
    theme = load_theme("brand.yaml", write_file(tmp_path, 'paper: "#fff"\nsoft: "#bbb"\nseries: ["#000", "#ffd100"]\n'))
    assert theme.main.colours["soft"] == "#bbb"
    soft, series = theme.warnings
    assert soft.startswith("brand.yaml: soft (#bbb) has a contrast of 1.9 to the paper (#fff); 4.5 is the least")
    assert series.startswith("brand.yaml: series 2 (#ffd100) has a contrast of 1.5")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('inkk: "#fff"', "there is no colour 'inkk', did you mean ink?"),
        ('background: "#fff"', "there is no colour 'background'; known: series, paper, ink"),
        ("ink: #fff", "ink is empty: an unquoted # begins a comment in YAML"),
        ('ink: "red; } body { display: none"', "not a colour such as"),
        ('series: "#fff"', "series is a list of one to 6 colours"),
        ("series: [1]", "series has 1, not a colour"),
        ('dark: {paper: "black"}', "dark: paper is 'black', not a colour"),
        ("dark: [1]", "dark: is not a mapping"),
        ("- 1", "has no colours"),
        ("a: [", "cannot be read as YAML"),
    ],
)
def test_a_wrong_file_is_refused_with_its_remedy(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ThemeError) as caught:
        load_theme("brand.yaml", write_file(tmp_path, text))
    assert expected in str(caught.value)
    assert "brand.yaml" in str(caught.value)


def test_an_unknown_theme_is_refused_with_a_guess(tmp_path: Path) -> None:
    with pytest.raises(ThemeError, match=r"no theme and no file 'drak'; .* Did you mean dark\?"):
        load_theme("drak", tmp_path)


def test_the_contrast_is_that_of_wcag() -> None:
    assert measure_contrast("#000", "#ffffff") == pytest.approx(21)
    assert measure_contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)


def test_the_example_of_the_page_about_reports_is_a_theme(tmp_path: Path) -> None:
    page = Path("docs/report.md").read_text("utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    theme = load_theme("brand.yaml", write_file(tmp_path, example))
    assert theme.dark is not None
    written = {name for name in re.findall(r"^(\w+):", example, re.MULTILINE) if name not in ("series", "dark")}
    assert written == {name for name in theme.main.colours if not name.startswith("slot-")}
