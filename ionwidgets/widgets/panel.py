"""What the panels have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import ipywidgets as ipw

from ionwidgets.widgets import html
from ionwidgets.widgets.elements import StatusLine
from ionwidgets.widgets.heartbeat import Heartbeat
from ionwidgets.widgets.listening import Listening
from ionwidgets.widgets.reference import Reference
from ionwidgets.widgets.session import FIRST_MODEL, SHARED, Session

S = TypeVar("S", bound=Listening)


class Panel(ipw.VBox):
    """One panel's view. In the workbench it shares a `Session`, and its states, with the others.

    Alone in a notebook it has a session of its own, the style sheet and a status line. `model`, `recording`,
    `control`, `network` and `result` are traits, kept equal to the session's; panels are joined by a common
    session, or by `traitlets.dlink((picker, "model"), (sliders, "model"))`. `traitlets.link` also asks
    whether both are equal, to which two Datasets have no answer.

    Parameters
    ----------
    session : what is shared; a new one if left out.
    shared : any of those traits; a model by its library name or path too, a recording by its path.

    Raises
    ------
    IonWidgetsError : a model or a recording that cannot be read.
    """

    children: tuple[ipw.Widget, ...]
    model = Reference(None, allow_none=True)
    recording = Reference(None, allow_none=True)
    control = Reference(None, allow_none=True)
    network = Reference(None, allow_none=True)
    result = Reference(None, allow_none=True)

    opens_model = False  # whether it has nothing to show without a model
    _joined = False  # to the session's traits
    _own: tuple[Listening, ...] = ()

    def __init__(self, session: Session | None = None, **shared: Any) -> None:
        # First what may be refused: a widget, once made, is there until it is closed.
        self.alone = session is None
        self.session = session or Session()
        for name, value in shared.items():
            if name not in SHARED:
                raise TypeError(f"{type(self).__name__} has no argument {name!r}")
            if value is not None:
                self.session.take(name, value)
        if self.alone and self.opens_model and self.session.model is None:
            self.session.open_model(FIRST_MODEL)
        super().__init__()
        self.built = False
        self.add_class("ionw-panel")
        for name in SHARED:
            setattr(self, name, getattr(self.session, name))
        self.session.observe(self._follow, list(SHARED))
        self._joined = True
        self.observe(self._lead, list(SHARED))

    def build(self) -> list[ipw.Widget]:
        """The children; called once, under the session's lock."""
        raise NotImplementedError

    def ready(self) -> None:
        """Show what stands alone; the last line of every panel's constructor.

        In the workbench the children are made when the step is first shown: a hidden figure has no width.
        """
        if self.alone:
            self.show()
            self.children = (SessionStatus(self.session), *self.children)
            self.add_class("ionw")

    def show(self) -> None:
        """Make the panel visible."""
        with self.session.lock:
            if not self.built:
                self.children = tuple(self.build())
                self.built = True
            self.layout.display = None

    def hide(self) -> None:
        """Take the panel out of sight and out of the accessibility tree."""
        self.layout.display = "none"

    def own(self, state: S) -> S:
        """`state`, which was made for this panel, and is closed with it."""
        self._own = (*self._own, state)
        return state

    def close(self) -> None:
        """Close the panel and everything in it."""
        if self._joined:  # Python calls this again when nobody holds the panel
            self._joined = False
            with self.session.lock:
                self.session.unobserve(self._follow, list(SHARED))
                for state in self._own:
                    state.close()
                close_all(*self.children, self.layout)
        super().close()

    def _follow(self, change: Any) -> None:
        setattr(self, change["name"], change["new"])

    def _lead(self, change: Any) -> None:
        name = change["name"]
        if change["new"] is not getattr(self.session, name):
            try:
                self.session.take(name, change["new"])
            finally:  # one that was refused, or that is open already, was given by its name perhaps
                setattr(self, name, getattr(self.session, name))


def close_all(*widgets: ipw.Widget) -> None:
    """Close widgets and all that they hold; ipywidgets would keep children, layouts and styles for ever."""
    for widget in widgets:
        parts = [getattr(widget, name, None) for name in ("layout", "style")]
        close_all(*getattr(widget, "children", ()))
        widget.close()
        close_all(*(part for part in parts if isinstance(part, ipw.Widget)))


class SessionStatus(StatusLine):
    """What runs in a session, how far, how long still; or the last that happened."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        Heartbeat(session, self.beat)
        on(session, ["activities", "notice", "trouble"], self._show)

    def _show(self) -> None:
        session = self.session
        with self.hold_sync():
            if session.activities:
                self.tone = "busy"
                self.text = " · ".join(words for words, _ in session.activities.values())
                known = [fraction for _, fraction in session.activities.values() if fraction is not None]
                self.fraction = known[-1] if known else None
            else:
                self.tone = "problem" if session.trouble else "idle"
                self.text = session.trouble or session.notice or "Ready."
                self.fraction = None


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
    its turn comes, so that the last to draw draws the last answer. A method of a widget that was closed is
    not called any more.
    """
    session = state if isinstance(state, Session) else state.session
    owner = getattr(act, "__self__", None)

    def act_in_turn(_: Any = None) -> None:
        with session.lock:
            if not isinstance(owner, ipw.Widget) or owner.comm is not None:
                act()

    state.observe(act_in_turn, names)
    if isinstance(owner, ipw.Widget):
        _once_closed(owner, lambda: state.unobserve(act_in_turn, names))
    act_in_turn()


def _once_closed(widget: ipw.Widget, act: Callable[[], None]) -> None:
    """Call `act` when the widget is closed, which is when it loses its comm."""

    def look(change: Any) -> None:
        if change["new"] is None:
            widget.unobserve(look, "comm")
            act()

    widget.observe(look, "comm")
