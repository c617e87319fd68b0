"""The page of a result: the finding in words, tables and figures, with plotly.js in it.

The same result gives the same bytes: no date, no time, no place.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from plotly.offline import get_plotlyjs

from ionwidgets.discovery.document import document
from ionwidgets.discovery.report.drawings import (
    attribution_figure,
    beat_figure,
    current_figures,
    gate_figures,
    restitution_figure,
)
from ionwidgets.discovery.report.tables import (
    baselines_table,
    changes_table,
    facts_list,
    fit_table,
    own_table,
    predictions_table,
)
from ionwidgets.discovery.report.words import caveats, control_words, file_of
from ionwidgets.discovery.sentences import explanation, headline
from ionwidgets.errors import IonWidgetsError
from ionwidgets.jobs.whole_file import whole_file

if TYPE_CHECKING:
    from ionwidgets.discovery.result import Result

# Whatever stands in the page, a browser asks nobody for anything.
_HEAD: Final = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:\">"
)
_STYLE: Final = """
main { max-width: 1320px; }
header p { max-width: 78ch; }
header p.verdict { color: var(--soft); font-weight: 620; }
header p.lead { font-size: 17px; }
ul.warnings { list-style: none; margin: 14px 0 0; padding: 8px 14px; border-left: 3px solid var(--accent);
  background: var(--mark); max-width: 78ch; }
ul.warnings li { margin: 4px 0; overflow-wrap: anywhere; }
h1, dd, header p { overflow-wrap: anywhere; }
.pair + .pair { margin-top: 16px; }
table { min-width: 0; }
.pair table { width: 100%; }
figure { margin: 0 0 16px; }
td { vertical-align: top; }
tbody th.side { vertical-align: top; }
tr.changed th.side { background: var(--changed); font-weight: 620; }
dl { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 4px 20px; margin: 8px 0 0; }
dt { color: var(--soft); }
dd { margin: 0; }
@media (max-width: 600px) {
  th, td { padding: 3px 2px; font-size: 12px; }
  th.side, thead th { white-space: normal; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
  dd { margin-bottom: 6px; }
}
"""


def write_report(result: Result, path: str | Path) -> None:
    """Write the page to `path`, whole or not at all.

    Raises
    ------
    IonWidgetsError : `path` cannot be written.
    """
    page = report_html(result)
    try:
        with whole_file(path) as part:
            part.write_text(page, encoding="utf-8", newline="\n")
    except OSError as error:
        raise IonWidgetsError(f"{path}: the report cannot be written here ({error.strerror})") from None


def report_html(result: Result) -> str:
    """The page."""
    parts = [part(result) for part in (_header, _changes, _fit, _baselines, _own, _curves, _made)]
    return document(
        f"What changed in {file_of(result.finding['recording'])}",
        f"<main>{''.join(parts)}</main>\n<script>{get_plotlyjs()}</script>",
        head=_HEAD,
        style=_STYLE,
        mode_bar=True,
    )


def _header(result: Result) -> str:
    finding = result.finding
    warnings = "".join(f"<li>{escape(line)}</li>" for line in caveats(finding))
    return (
        f'<header><p class="verdict">{escape(file_of(finding["recording"]))}: {escape(result.verdict)}</p>'
        f"<h1>{_words(headline(finding))}</h1>"
        f'<p class="lead">{_words(explanation(finding))}</p><p>{escape(control_words(result))}</p>'
        + (f'<ul class="warnings" aria-label="Warnings">{warnings}</ul>' if warnings else "")
        + "</header>"
    )


def _changes(result: Result) -> str:
    unexplained = result.verdict == "unexplained"
    said = (
        "No size is given, since no change of this model explains the recording. The share is what a change "
        "of this kind, of whatever size, could explain at best."
        if unexplained
        else "Sizes are beside control: × of a current's conductance, of a gate's slope at half-activation "
        "and of its time constant τ, mV of its half-activation V½. The share is how much of the difference "
        "between recording and control the change takes away when it alone, with its found size, is put into "
        "the model. A change that was not found has the size that it would have beside those that were."
    )
    figure = attribution_figure(result)
    return (
        f'<h2>Currents and gates</h2><p class="soft">{escape(said)}</p><div class="pair">'
        f"{changes_table(result.finding)}<div>{beat_figure(result)}{figure}</div></div>"
    )


def _fit(result: Result) -> str:
    return (
        f'<h2>Fit and predictions</h2><div class="pair">{fit_table(result.finding)}'
        f"<div>{predictions_table(result.finding)}{restitution_figure(result)}</div></div>"
    )


def _baselines(result: Result) -> str:
    if not result.finding.get("baselines"):
        return ""
    return (
        '<h2>Beside a plain fit</h2><p class="soft">Every conductance fitted at once to the same beats, '
        "without a network. Such a fit spreads a change over many currents; what it moves by more than "
        f"10&nbsp;% is named.</p>{baselines_table(result.finding)}"
    )


def _own(result: Result) -> str:
    control = result.finding.get("control")
    if not control:
        return ""
    return (
        "<h2>The cell before the change</h2>"
        f'<p class="soft">Its own conductances beside the published model, fitted to '
        f"{escape(file_of(control, 'the control recording'))}.</p>{own_table(control)}"
    )


def _curves(result: Result) -> str:
    length = float(result.currents().attrs["cycle_length"])
    return (
        '<h2>Gates before and after</h2><p class="soft">As the network has them before and after it was '
        "retrained on the recording. It may scale a current or reshape its gates, so that a scaled current "
        "can show here too; the fit above decides between the two. Grey: potentials that the recording never "
        f'reached.</p><div class="pair figures">{gate_figures(result)}</div>'
        f'<h2>Currents over one beat</h2><p class="soft">Along the recorded beat at CL {length:g} ms, with '
        "the network's gates and scales before and after it was retrained.</p>"
        f'<div class="pair figures">{current_figures(result)}</div>'
    )


def _made(result: Result) -> str:
    return f"<h2>How it was made</h2>{facts_list(result)}"


def _words(text: str) -> str:
    """As HTML, a number and its percent sign on one line."""
    return escape(text.replace(" %", "\u00a0%"))
