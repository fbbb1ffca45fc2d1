"""The report as one HTML file to send: everything is in it, no script is needed, and nothing is fetched.

What somebody else wrote passes through three doors: it is masked, made visible (`text`), and escaped by the template, which
escapes everything. The policy in the page's head allows no script and no network, only the page's own style sheet.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from ibsniff.model import Report
from ibsniff.render.html_page import page_of
from ibsniff.render.text import Masker

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
STYLE_SHEET, PAGE = "report.css", "report.html"


def html(report: Report, *, tool_version: str = "", show_accounts: bool = False) -> str:
    """The whole page."""
    style = (TEMPLATES / STYLE_SHEET).read_text("utf-8")
    from markupsafe import Markup  # noqa: PLC0415  (comes with Jinja2)

    page = page_of(report, Masker.for_report(report, show_accounts), tool_version)
    made: str = _environment().get_template(PAGE).render(page=page, style_sheet=Markup(style), policy=_policy(style))
    return made


def _policy(style: str) -> str:
    """What a browser may do with the page: nothing but show it, with the style sheet of which this is the hash."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415  (other reports do without)

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
