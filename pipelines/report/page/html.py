"""The page: a report as one HTML text without scripts, without other files, and without the network.

All that varies comes from the model and is escaped by the template; styles and template stand beside this module.
"""

from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from pipelines.report.model import Report
from pipelines.report.page import charts

GLYPHS = dict(enumerate("●■▲◆▼✚", start=1))
"""The points of a chart of lines, as its legend shows them; in the order of ``charts.SHAPES``."""


def render_page(report: Report) -> str:
    """The whole page. It names no address, and its own policy forbids a browser to load or to run anything."""
    return _template().render(report=report, svg=charts.render_svg, glyphs=GLYPHS, style=_style())


@cache
def _template() -> Template:
    loader = PackageLoader("pipelines.report.page", "")
    environment = Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja")


@cache
def _style() -> Markup:
    return Markup((files("pipelines.report.page") / "page.css").read_text("utf-8"))  # noqa: S704 - our own file
