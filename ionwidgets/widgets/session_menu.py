"""The quiet menu of the header: save the session, open one, hand its set-up on as a link."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import ipywidgets as ipw

from ionwidgets.errors import IonWidgetsError
from ionwidgets.widgets.coalesce import Latest
from ionwidgets.widgets.elements import Download, MenuButton, PageLink, Upload
from ionwidgets.widgets.saved.names import safe_name
from ionwidgets.widgets.session import Session
from ionwidgets.widgets.session_file import SUFFIX, SavedSession, open_session
from ionwidgets.widgets.task_state import reason

LARGEST = 2**31  # bytes of a session that is opened


class SessionMenu(ipw.VBox):
    """`Save session`, `Open session`, `Copy link`.

    Parameters
    ----------
    session : whose status line says how it went.
    save : writes the session to a path.
    use : shows one that was opened.
    link : the query of a link to the set-up, and why there is none.
    """

    def __init__(
        self,
        session: Session,
        save: Callable[[Path], None],
        use: Callable[[SavedSession], None],
        link: Callable[[], tuple[str, str]],
    ) -> None:
        self.session, self._save, self._use = session, save, use
        self.worker = Latest(self._open)  # files may be large
        self.button = MenuButton(label="Session")
        self.download = Download(self._make, label="Save session", filename=f"session{SUFFIX}")
        self.upload = Upload(self.worker.submit, label="Open session", accept=SUFFIX, limit=LARGEST)
        self.link = PageLink(link, label="Copy link")
        panel = ipw.VBox([self.download, self.upload, self.link])
        panel.add_class("ionw-menu-panel")
        super().__init__([self.button, panel])
        self.add_class("ionw-menu")

    def _make(self) -> bytes:
        """The session's file; it is called after the recording, or the model."""
        session = self.session
        stem = Path(session.recording_source or session.model_source.replace(":", "-")).stem
        name = self.download.filename = safe_name(stem + SUFFIX)
        with self._told("save", f"Saving {name}"), TemporaryDirectory(prefix="ionwidgets-") as folder:
            path = Path(folder) / "session"
            self._save(path)
            content = path.read_bytes()
            session.notice, session.trouble = f"{name} is saved.", ""
        return content

    def _open(self, path: Path) -> None:
        try:
            with self._told("open", f"Opening {path.name}"):
                self._use(open_session(path))
                self.button.expanded = False
        except Exception as error:
            self.upload.problem = self._words(error)

    @contextmanager
    def _told(self, key: str, words: str) -> Iterator[None]:
        """The status line says what goes on, and what went wrong."""
        self.session.begin(key, words)
        problem = ""
        try:
            yield
        except Exception as error:
            problem = self._words(error)
            raise
        finally:
            self.session.end(key, notice=problem, trouble=problem)

    @staticmethod
    def _words(error: Exception) -> str:
        return str(error) if isinstance(error, IonWidgetsError) else f"It failed: {reason(error)}."
