"""What the panels have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets as ipw

from ionwidgets.widgets import html
from ionwidgets.widgets.session import Session


class Panel(ipw.VBox):
    """One step's view; its children are made when it is first shown, since a hidden figure has no width."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.built = False
        self.add_class("ionw-panel")

    def build(self) -> list[ipw.Widget]:
        """The children; called once, under the session's lock."""
        raise NotImplementedError

    def show(self) -> None:
        """Make the panel visible."""
        with self.session.lock:
            if not self.built:
                self.children = self.build()
                self.built = True
            self.layout.display = None

    def hide(self) -> None:
        """Take the panel out of sight and out of the accessibility tree."""
        self.layout.display = "none"


def markup(value: str = "") -> ipw.HTML:
    """HTML that was escaped where it had to be."""
    return ipw.HTML(value)


def button(
    name: str, on_click: Callable[[], None], *, primary: bool = False, disabled: bool = False
) -> ipw.Button:
    """A button whose text is its name."""
    made = ipw.Button(description=name, button_style="primary" if primary else "", disabled=disabled)
    made.on_click(lambda _: on_click())
    return made


def box(*children: ipw.Widget, kind: str = "stack") -> ipw.VBox:
    """A group: "stack", "row", "columns", "columns is-even" or "columns is-wide-left"."""
    made = ipw.VBox(list(children))
    first, *more = kind.split()
    for name in (f"ionw-{first}", *more):
        made.add_class(name)
    return made


def offer(menu: ipw.Dropdown, options: Sequence[tuple[str, Any]], value: Any, on_choice: Any) -> None:
    """Put other options, and the one that is chosen, into a menu, which its observer does not hear of."""
    menu.unobserve(on_choice, "value")
    if menu.options != tuple(options):
        menu.options = options
    menu.value = value
    menu.observe(on_choice, "value")


def set_reasons(where: ipw.HTML, why: tuple[str, ...]) -> None:
    """Show why a button is disabled."""
    where.value = html.reasons(why)


def on(state: Any, names: str | list[str], act: Callable[[], None]) -> None:
    """Call `act` now and whenever one of the traits changes, under the session's lock.

    A worker's answer may come while the main thread still tells of the question: each shows what is true when
    its turn comes, so that the last to draw draws the last answer.
    """
    session = state if isinstance(state, Session) else state.session

    def act_in_turn(_: Any = None) -> None:
        with session.lock:
            act()

    state.observe(act_in_turn, names)
    act_in_turn()
