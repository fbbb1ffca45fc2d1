"""``ibsniff regress``: the recorded cases against what they promise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ibsniff.cli import completion
from ibsniff.cli.app import app, handle_errors, only_one_of
from ibsniff.model import ExitCode, UserError


@app.command()
def regress(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            readable=False,  # we say ourselves what to do about it
            help="The folder with the scenarios; by default captures.",
            autocompletion=completion.scenarios,
        ),
    ] = None,
    capture: Annotated[
        Path | None,
        typer.Argument(metavar="CAPTURE", readable=False, help="With --new: the capture, which is copied into DIR."),
    ] = None,
    new: Annotated[
        bool, typer.Option("--new", help="Make DIR a scenario: write its first scenario.toml for you to review.")
    ] = False,
    private: Annotated[
        bool, typer.Option("--private", help="With --new: DIR will not be published and may contain account numbers.")
    ] = False,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Change the promises to what was found, for you to review.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only broken promises and the count.")] = False,
) -> None:
    """Analyse recorded scenarios, and compare what is found in each with what it promises."""
    with handle_errors():
        only_one_of(new=new, update=update)
        only_one_of(new=new, junit=junit is not None)
        if new:
            _create(folder, capture, private)
        elif capture is not None or private:
            given = "--private" if capture is None else str(capture)
            raise UserError(f"{given} needs --new", "Use: ibsniff regress --new DIR [CAPTURE]", ExitCode.USAGE)
        else:
            _run_all(folder or Path("captures"), junit, update, quiet)


def _create(folder: Path | None, capture: Path | None, private: bool) -> None:
    from ibsniff import regression
    from ibsniff.render.text import visible_line

    if folder is None:
        raise UserError("--new needs a folder", "Use: ibsniff regress --new DIR [CAPTURE]", ExitCode.USAGE)
    created = regression.create(folder, capture, private=private)
    print(visible_line(f"{created.folder / regression.SCENARIO} was written. It promises:"))
    print(*(f"  {visible_line(line)}" for line in created.promise.lines()), sep="\n")
    print("Review it before you share it:")
    print(*(f"  * {visible_line(line)}" for line in created.to_review()), sep="\n")


def _run_all(folder: Path, junit: Path | None, update: bool, quiet: bool) -> None:
    from ibsniff import regression
    from ibsniff.render.text import visible_line

    results = []
    for scenario in regression.find_scenarios(folder):
        result = regression.run(scenario)
        results.append(result)
        if not result.kept:
            title = f"{scenario.folder}: broken (- promised, + found): {scenario.title}"
            lines = [title, *result.difference()]
            print(*map(visible_line, lines), sep="\n  ")
            if update:
                regression.update(result)
        elif not quiet:
            print(visible_line(f"{scenario.folder}: kept"))
    without = regression.find_captures_without_promise(folder)
    if not results and not without:
        raise UserError(
            f"{folder} contains no scenario",
            "A scenario is a folder with a capture and scenario.toml; make one: ibsniff regress --new DIR CAPTURE",
            ExitCode.USAGE,
        )
    for path in without:
        print(
            visible_line(
                f"{path}: no scenario promises anything about this capture; make one: {regression.how_to_promise(path)}"
            )
        )
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
