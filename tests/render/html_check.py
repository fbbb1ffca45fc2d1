"""What a page must be, whatever stands on it: well formed, of known elements only, without a script or an address to fetch."""

from __future__ import annotations

import re
from html.parser import HTMLParser

VOID = {"meta", "br", "rect", "line", "path"}
ELEMENTS = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "main",
        "footer",
        "nav",
        "section",
        "div",
        "span",
        "p",
    ),
    *(
        "a",
        "h1",
        "h2",
        "h3",
        "ul",
        "ol",
        "li",
        "dl",
        "dt",
        "dd",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
    ),
    *("details", "summary", "figure", "figcaption", "svg", "rect", "line", "path", "text", "code", "strong", "br"),
}
ATTRIBUTES = {
    *(
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "id",
        "href",
        "scope",
        "role",
        "tabindex",
        "open",
        "title",
    ),
    *(
        "aria-label",
        "aria-labelledby",
        "aria-hidden",
        "viewbox",
        "width",
        "height",
        "x",
        "y",
        "x1",
        "x2",
        "y1",
        "y2",
        "d",
        "text-anchor",
    ),
}


class PageReader(HTMLParser):
    """Reads a page, and fails where its elements are not closed in order or are not known."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.regions: list[str] = []
        self.headings: list[int] = []
        self.text: list[str] = []
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS, tag
        given = dict(attrs)
        assert set(given) <= ATTRIBUTES, given
        assert given.get("tabindex", "0") == "0"
        self.regions += [given["aria-label"] or ""] if given.get("role") == "region" else []
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if "href" in given else []
        self.headings += [int(tag[1])] if re.fullmatch(r"h\d", tag) else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"] or ""
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open):
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)


def read_page(page: str) -> PageReader:
    """Read a page whole; its links lead to places on it, and its ids are unique."""
    reader = PageReader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))
    assert {link.removeprefix("#") for link in reader.links} <= set(reader.ids)
    assert all(link.startswith("#") for link in reader.links)
    assert len(reader.regions) == len(set(reader.regions))
    assert reader.headings[0] == 1
    assert reader.headings.count(1) == 1
    return reader
