"""``ibsniff regress``, ``explain`` and ``rules``: the rulebook, and the recorded cases that hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ibsniff.cli import completion
from ibsniff.cli.app import app, edges, only_one_of
from ibsniff.model import ExitCode, UserError


@app.command()
def regress(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="DIR", help="Where the scenarios are: captures.", autocompletion=completion.scenarios),
    ] = None,
    capture: Annotated[Path | None, typer.Argument(metavar="CAPTURE", help="With --new: copied into DIR.")] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make DIR a scenario: write its first scenario.toml, for your review.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="With --new: DIR will not be published and may hold account numbers.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite the promises as found, for your review.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only what is broken, and the count.")] = False,
) -> None:
    """Hold every recorded scenario against its promise."""
    with edges():
        only_one_of(new=new, update=update)
        only_one_of(new=new, junit=junit is not None)
        if new:
            _create(folder, capture, private)
        elif capture is not None or private:
            given = "--private" if capture is None else str(capture)
            raise UserError(f"{given}: only --new takes it", "ibsniff regress --new DIR [CAPTURE]", ExitCode.USAGE)
        else:
            _run_all(folder or Path("captures"), junit, update, quiet)


def _create(folder: Path | None, capture: Path | None, private: bool) -> None:
    from ibsniff import regression
    from ibsniff.render.text import prose

    if folder is None:
        raise UserError("--new needs a folder", "ibsniff regress --new DIR [CAPTURE]", ExitCode.USAGE)
    created = regression.create(folder, capture, private=private)
    print(prose(f"{created.folder / regression.SCENARIO}: written, and it promises:"))
    print(*(f"  {prose(line)}" for line in created.promise.lines()), sep="\n")
    print("Review it before you share it:")
    print(*(f"  * {prose(line)}" for line in created.to_review()), sep="\n")


def _run_all(folder: Path, junit: Path | None, update: bool, quiet: bool) -> None:
    from ibsniff import regression
    from ibsniff.render.text import prose

    results = []
    for scenario in regression.find_scenarios(folder):
        result = regression.run(scenario)
        results.append(result)
        if not result.kept:
            told = [f"{scenario.folder}: {scenario.title}", *result.difference()]
            print(*map(prose, told), sep="\n  ")
            if update:
                regression.update(result)
        elif not quiet:
            print(prose(f"{scenario.folder}: kept"))
    without = regression.find_captures_without_promise(folder)
    if not results and not without:
        raise UserError(
            f"{folder}: no scenario in it",
            "A scenario is a folder with a capture and scenario.toml; ibsniff regress --new DIR CAPTURE makes one",
            ExitCode.USAGE,
        )
    for path in without:
        print(prose(f"{path}: nothing is promised of this capture; write a promise: {regression.how_to_promise(path)}"))
    broken = sum(not result.kept for result in results)
    lacking = f", {len(without)} without a promise" if without else ""
    print(f"{len(results) - broken} kept, {broken} {'rewritten' if update else 'broken'}{lacking}")
    if junit is not None:
        _write_text(junit, regression.junit(results, without))
    if without or (broken and not update):
        raise typer.Exit(ExitCode.FINDINGS)


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "Name another file", ExitCode.USAGE
        ) from None


@app.command()
def explain(
    code: Annotated[
        str, typer.Argument(metavar="CODE", help="A rule's code, as IBS301.", autocompletion=completion.codes)
    ],
) -> None:
    """Say what a code means, why it is believed, and what to do."""
    from ibsniff.rules import all_rules, explained

    with edges():
        found = next(
            (rule for rule in all_rules() if rule.code.removeprefix("IBS") == code.upper().removeprefix("IBS")), None
        )
        if found is None:
            raise UserError(f"{code}: no such code", "'ibsniff rules' lists them all", ExitCode.USAGE)
        print(f"{found.code} {found.name} ({found.severity})\n\n{explained(found)}")


@app.command()
def rules(
    as_markdown: Annotated[bool, typer.Option("--markdown", help="The whole rulebook, explained.")] = False,
) -> None:
    """List every rule."""
    from ibsniff.rules import all_rules, catalogue

    with edges():
        if as_markdown:
            print(catalogue(), end="")
            return
        for rule in all_rules():
            print(f"{rule.code}  {rule.severity:<7}  {rule.title}")
