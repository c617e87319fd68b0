"""HTML pages with Plotly figures: their look in light and dark, and how they are drawn."""

from __future__ import annotations

import json
from html import escape
from typing import Final

_COLOURS: Final = """
:root { color-scheme: light dark; --paper: #fff; --sheet: #f6f7f9; --line: #d5dae0; --grid: #e4e7eb;
  --ink: #1b2026; --soft: #555e69; --accent: #0b64a0; --mark: #e5f1f9; --changed: #fbeee4; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --sheet: #1d2126; --line: #394049; --grid: #2d333a; --ink: #e8ebef;
    --soft: #a9b2bd; --accent: #62b6ee; --mark: #17344a; --changed: #3a281b; }
}
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 400 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.plot { width: 100%; min-width: 0; overflow: hidden; color: var(--soft); }
.plot .main-svg { background: transparent !important; }
.plot .main-svg text { fill: var(--soft) !important; }
.plot .main-svg .legend text, .plot .main-svg .annotation text, .plot .hoverlayer text {
  fill: var(--ink) !important; }
.plot .gridlayer path { stroke: var(--grid) !important; }
.plot .hoverlayer .legend .bg, .plot .hovertext path { fill: var(--sheet) !important;
  stroke: var(--line) !important; }
"""
_STYLE: Final = """
main { box-sizing: border-box; max-width: 1440px; margin: 0 auto;
  padding: 20px clamp(14px, 2.4vw, 36px) 48px; }
h1 { font-size: 25px; line-height: 1.2; margin: 0 0 4px; text-wrap: balance; }
h2 { font-size: 20px; line-height: 1.25; margin: 40px 0 6px; padding-top: 14px;
  border-top: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: 2px 18px; margin-top: 10px; }
p, ul { margin: 0 0 8px; max-width: 84ch; overflow-wrap: break-word; }
ul { padding-left: 20px; }
li { margin-bottom: 6px; }
.soft, figcaption { color: var(--soft); }
a { color: var(--accent); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 600px), 1fr)); gap: 12px 28px;
  align-items: start; }
.pair.figures { grid-template-columns: repeat(auto-fit, minmax(min(100%, 420px), 1fr)); }
.pair > * { min-width: 0; margin: 0; }
.pair.figures { margin-bottom: 16px; }
.wide + .soft, .pair + .soft { margin-top: 8px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 600px); font-size: 13px;
  line-height: 1.35; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 620; padding: 6px 0; }
th, td { padding: 3px 6px; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid);
  font-weight: 400; }
thead th { color: var(--soft); vertical-align: bottom; }
thead tr.truth th { color: var(--ink); border-bottom: 2px solid var(--line); font-weight: 620; }
th.group { text-align: center; border-bottom: 1px solid var(--line); }
.words { text-align: left; }
th.side { text-align: left; position: sticky; left: 0; background: var(--paper); }
td.near { font-weight: 700; }
td.none { color: var(--soft); font-style: italic; }
.changed { background: var(--changed); }
tr.best th.side, tr.best td { background: var(--mark); }
.tag { font-size: 11px; font-weight: 620; color: var(--accent); margin-left: 4px; }
figcaption { font-size: 14px; }
"""
_DRAW: Final = """
addEventListener("load", async () => {
  for (const plot of document.querySelectorAll(".plot")) {
    const figure = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    plot.textContent = "";
    await Plotly.newPlot(plot, figure.data, figure.layout,
      { responsive: true, displaylogo: false, displayModeBar: MODE_BAR });
    // A legend of many lines takes its room from below, not from the panels.
    const fit = () => {
      const legend = plot.querySelector(".infolayer .legend");
      const more = legend ? Math.max(0, legend.getBoundingClientRect().height - figure.layout.margin.t) : 0;
      const height = Math.ceil(figure.layout.height + more);
      if (height === plot.layout.height) return;
      plot.style.height = `${height}px`;
      return Plotly.relayout(plot, { height });
    };
    await fit();
    addEventListener("resize", () => setTimeout(fit, 200));  // after Plotly has wrapped the legend anew
  }
  document.body.dataset.drawn = "yes";
});
"""


def plot_element(name: str, drawn: str, title: str, missing: str) -> str:
    """A figure (Plotly's JSON) that a page of `document` draws; `missing` stands there until it is drawn."""
    height = json.loads(drawn)["layout"].get("height", 400)
    data = drawn.replace("<", "\\u003c")  # a "<" stands in strings alone: the script element cannot end early
    return (
        f'<script type="application/json" id="figure-{name}">{data}</script>'
        f'<div class="plot" role="img" aria-label="{escape(title)}" data-figure="figure-{name}" '
        f'style="height:{height}px">{escape(missing)}</div>'
    )


def document(title: str, body: str, *, head: str = "", style: str = "", mode_bar: bool) -> str:
    """A page in light and dark. `head`, `body`: HTML, plotly.js in one of the two; `style`: more CSS."""
    draw = _DRAW.replace("MODE_BAR", '"hover"' if mode_bar else "false")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_COLOURS}{_STYLE}{style}</style>\n"
        f"{head}\n</head>\n<body>\n{body}\n<script>{draw}</script>\n"
        "</body>\n</html>\n"
    )
