"""Render a report as one HTML text that needs no scripts, no other files and no network.

Texts and figures do not belong here: they come from the model, and the template escapes them. The template and the
style sheet are beside this module.
"""

from dataclasses import dataclass, field
from functools import cache, partial
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from pipelines.report.model import Report
from pipelines.report.page import charts, small_charts
from pipelines.report.page.palette import Theme, load_theme

GLYPHS = dict(enumerate("●■▲◆▼✚", start=1))
"""The legend's symbols for the points of a line chart, in the order of ``charts.POINT_SHAPES``."""


@dataclass(frozen=True)
class Look:
    """The colours of the page, and its logo as a data URL; empty without one."""

    theme: Theme = field(default_factory=partial(load_theme, "auto"))
    logo: str = ""


def render_page(report: Report, look: Look | None = None) -> str:
    """Return the whole page. It has no external address, and its policy forbids the browser to load or run anything."""
    chosen = look or Look()
    return _load_template().render(
        report=report,
        svg=charts.render_svg,
        small_svg=small_charts.render_small_svg,
        glyphs=GLYPHS,
        style=write_style(chosen.theme),
        color_scheme=chosen.theme.color_scheme,
        logo=chosen.logo,
    )


def write_style(theme: Theme) -> Markup:
    """Return the style sheet: the theme's colours, then the layout."""
    return Markup(f"{theme.write_css()}\n{_load_layout()}")  # noqa: S704 - checked colours and our own file


@cache
def _load_template() -> Template:
    loader = PackageLoader("pipelines.report.page", "")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja")


@cache
def _load_layout() -> str:
    return (files("pipelines.report.page") / "page.css").read_text("utf-8")
