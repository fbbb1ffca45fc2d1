"""``ibsniff regress``, ``explain`` and ``rules``: the rulebook, and the recorded cases that hold it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ibsniff.cli.app import app, edges
from ibsniff.model import ExitCode, UserError


@app.command()
def regress(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the scenarios are.")] = Path("captures"),
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the results as JUnit XML.")] = None,
    update: Annotated[bool, typer.Option("--update", help="Rewrite the promises as found, for your review.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only what is broken, and the count.")] = False,
) -> None:
    """Hold every recorded scenario against its promise."""
    from ibsniff import regression
    from ibsniff.render.text import prose

    with edges():
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
        broken = sum(not result.kept for result in results)
        print(f"{len(results) - broken} kept, {broken} {'rewritten' if update else 'broken'}")
        if junit is not None:
            _write_text(junit, regression.junit(results))
        if broken and not update:
            raise typer.Exit(ExitCode.FINDINGS)


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror or error}", "Name another file", ExitCode.USAGE
        ) from None


@app.command()
def explain(code: Annotated[str, typer.Argument(metavar="CODE", help="A rule's code, as IBS301.")]) -> None:
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
