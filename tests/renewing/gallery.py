"""``captures/README.md``: all scenarios by what the server side did, each with its verdict, its client and its origin."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from renewing.cases import Case, cases

from ibsniff.render.markdown import escape
from ibsniff.render.report_view import verdict_line

HEAD = """# The gallery: ways to fail, and ways to work

Every folder here holds one capture and a `scenario.toml`, which promises what a report on it must say; `ibsniff regress`
checks all of them. `ibsniff read captures/NAME/capture.pcap*` shows the whole report on one of them.

*Recorded* cases are real clients on a real network stack; the TWS is ibsniff's own stand-in (`ibsniff simulate`) or
another program. *Synthetic* ones were written by a script, which says why they could not be recorded. *Captured* ones
come from users, with their own client and TWS. How to add one: [CONTRIBUTING](../.github/CONTRIBUTING.md).

Written by `python tests/renew.py`; do not edit.
"""


class Family(NamedTuple):
    """What a section is about."""

    title: str
    meaning: str


FAMILIES = {
    "refused": Family("Refused", "The server side answered the connection attempt with a RST."),
    "unreachable": Family("Unreachable", "The server side did not answer the connection attempt."),
    "silent": Family("Silent", "The server accepted the connection, received the hello, and sent nothing."),
    "closed": Family("Closed", "The server accepted the connection and closed it (FIN) without an answer."),
    "reset": Family("Reset", "The server accepted the connection and reset it (RST) without an answer."),
    "foreign": Family("Another program", "The program that answers is not a TWS."),
    "cut_off": Family("Cut off", "The server stopped in the middle of its reply."),
    "not ready": Family("Answered, but not ready", "The server replied to the hello; the session never became ready."),
    "trouble": Family(
        "Trouble in a session", "The session was ready, and the report has something to say about what followed."
    ),
    "works": Family("It works", "The session is ready and nothing is wrong: what a healthy capture looks like."),
    "not_asked": Family("Not asked", "The client connected and sent nothing."),
    "joined": Family("Joined", "The session was already at work when the capture began."),
    "unproven": Family("Unproven", "The capture does not show enough to judge, and the report says why."),
    "none": Family("No conversation", "The capture holds no conversation with the API that can be judged."),
}
"""In the order of the sections: outcomes, of which ``replied`` is divided by what came after the reply."""


def gallery() -> str:
    """The file's content."""
    found: dict[str, list[Case]] = {family: [] for family in FAMILIES}
    for case in cases():
        found[family_of(case)].append(case)
    return "\n".join([HEAD, contents(found), *(section(FAMILIES[name], each) for name, each in found.items() if each)])


def family_of(case: Case) -> str:
    promise = case.scenario.promise
    if promise.outcome != "replied":
        return promise.outcome
    if promise.rung != "ready":
        return "not ready"
    return "trouble" if promise.codes else "works"


def contents(found: dict[str, list[Case]]) -> str:
    rows = [
        f"| [{family.title}](#{family.title.lower().replace(',', '').replace(' ', '-')}) | {len(found[name])} "
        f"| {family.meaning} |"
        for name, family in FAMILIES.items()
        if found[name]
    ]
    return "\n".join(["| family | cases | |", "|---|---|---|", *rows, ""])


def section(family: Family, members: Iterable[Case]) -> str:
    rows = [row(case) for case in members]
    return "\n".join(
        [
            f"## {family.title}",
            "",
            family.meaning,
            "",
            "| case | verdict | client | made |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def plain(text: str) -> str:
    """Text in which nothing is Markdown; a mention in a file calls nobody, so the @ of a package's name stays."""
    return escape(text).replace("(at)", "@")


def row(case: Case) -> str:
    kind, _, how = case.scenario.made.partition(": ")
    client, against, rest = how.partition(" against ")
    origin = f"{kind}: against {rest}" if against else f"{kind}: {how}"
    cells = [
        f"[{case.name}]({case.name}/): {plain(case.scenario.title)}",
        plain(verdict_line(case.report)),
        plain(client) if against else "none",
        origin.replace("|", "\\|"),
    ]
    return f"| {' | '.join(cells)} |"
