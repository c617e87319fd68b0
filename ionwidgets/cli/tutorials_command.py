"""``ionwidgets tutorials``: list the notebooks that come with the package, or copy them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ionwidgets.tutorials import copy, tutorials

command = typer.Typer(help="The packaged notebooks: list them, or copy them to work in.")


@command.callback(invoke_without_command=True)
def listed(context: typer.Context) -> None:
    """The packaged notebooks: number, name, minutes, title, goal; `copy` makes copies to work in."""
    if context.invoked_subcommand is None:
        for tutorial in tutorials():
            print(f"{tutorial.number}  {tutorial.name}  {tutorial.minutes} min  {tutorial.title}")
            print(f"    {tutorial.goal}")


@command.command("copy")
def copied(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME ...]", help="Names or numbers; all when left out.")
    ] = None,
) -> None:
    """Copy tutorials into this folder; a file that is there already stays as it is."""
    for path in copy(names or [], Path.cwd()):
        print(path.name)
