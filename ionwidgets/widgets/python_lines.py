"""The lines of Python that redo a session."""

from __future__ import annotations

from ionwidgets.widgets.recording_state import choices_of
from ionwidgets.widgets.session import Session


def python_lines(session: Session, eta: float) -> str:
    """What was done in the workbench, as a script; the user's own files by their names."""
    if session.from_file:
        name, told = session.model_source, dict(session.model_answers)
    else:
        name, _, variant = session.model_source.partition(":")
        told = {"variant": variant} if variant else {}
    arguments = "".join(f', {argument}="{_quoted(value)}"' for argument, value in told.items())
    model = f'iw.load_model("{_quoted(name)}"{arguments})'
    if session.recording is None:
        recording = "# recording = iw.read_recording(...)"
    elif session.recording_source:
        choices = "".join(f", {name}={value!r}" for name, value in choices_of(session.recording).items())
        recording = f'recording = iw.read_recording("{_quoted(session.recording_source)}"{choices})'
    else:
        recording = "recording = example_recording()"
    lines = ["import ionwidgets as iw"]
    if recording.endswith("example_recording()"):
        lines.append("from ionwidgets.discovery import example_recording")
    lines += ["", f"model = {model}", recording]
    lines += [
        f"result = iw.discover(model, recording, eta={eta:g})",
        "print(result.findings)",
        'result.export("edited.mmt")',
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
