"""Renders a report as one HTML text that needs no scripts, no other files and no network.

Texts and figures do not belong here: they come from the model, and the template escapes them. The template and the
style sheet are beside this module.
"""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from pipelines.report.model import Report
from pipelines.report.page import charts

GLYPHS = dict(enumerate("●■▲◆▼✚", start=1))
"""The legend's symbols for the points of a line chart, in the order of ``charts.POINT_SHAPES``."""


def render_page(report: Report) -> str:
    """Return the whole page. It has no external address, and its policy forbids the browser to load or run anything."""
    return _load_template().render(report=report, svg=charts.render_svg, glyphs=GLYPHS, style=_load_style())


@cache
def _load_template() -> Template:
    loader = PackageLoader("pipelines.report.page", "")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja")


@cache
def _load_style() -> Markup:
    return Markup((files("pipelines.report.page") / "page.css").read_text("utf-8"))  # noqa: S704 - our own file
