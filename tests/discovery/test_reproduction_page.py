"""The page of every run: what it says, that it asks nobody, how it looks in a browser."""

from __future__ import annotations

import copy
import json
import re
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import plotly.io
import pytest
from playwright.sync_api import sync_playwright

from ionwidgets.discovery.reproduction.figure_files import write_figure
from ionwidgets.discovery.reproduction.page import write_page

CURRENTS = ("I_Na", "I_CaL", "I_Kr", "I_Ks", "I_to")
VOID = {"meta", "br", "link", "img", "hr"}


def run(decoder: str, eta: float, error: float | None, **ratios: float) -> dict[str, Any]:
    return {
        "decoder": decoder,
        "eta": eta,
        "loss_gates": 0.1,
        "loss_observables": None if decoder == "ode" else 0.002,
        "outside": 2e-4,
        "apd90_error_ms": {"400": -0.01, "550": error, "800": error},
        "current_ratios": dict.fromkeys(CURRENTS, 1.0) | ratios,
    }


def best(eta: float, errors: list[float | None]) -> dict[str, Any]:
    lengths = [400, 600, 800]
    rmse = [None if error is None else 1.5 for error in errors]
    return {"eta": eta, "cycle_length_ms": lengths, "apd90_error_ms": errors, "v_rmse_mV": rmse}


RESULTS: dict[str, Any] = {
    "schema": "ionwidgets/paper/1",
    "model": "tnnp2004",
    "variant": "M",
    "seed": 0,
    "elapsed_s": {"data": 1.0, "stage1_emulator": 4.4, "stage1_ode": 0.1, "total": 170.2},
    "versions": {"ionwidgets": "0.1<2>"},
    "stage1": {
        "paper": {
            "validation_gates": 1e-3,
            "validation_others": 4e-3,
            "apd90_error_ms": {"400": -70.1, "550": -60.0, "800": None},
        },
        "default": {"apd90_error_ms": {"400": -0.1, "550": 0.0, "800": 0.1}},
    },
    "experiments": {
        "long_qt": {
            "title": "Long QT <b>&",
            "scale": {"g_Kr": 0.25},
            "current": "I_Kr",
            "figure_eta": 0.0016,
            "not_1_to_1_ms": [300, 305, 310, 350],
            "runs": [
                run("emulator", 0.0016, None, I_Kr=0.7, I_to=3.0),
                run("emulator", 0.0001, -12.3, I_Kr=0.5, I_to=3.0),
                run("ode", 0.0001, -1.5, I_Kr=0.24),
            ],
            "best": {
                "emulator": best(0.0001, [None, -12.3, -9.7]),
                "ode": best(0.0001, [0.5, -1.5, -1.5]),
            },
            "true_ratios": dict.fromkeys(CURRENTS, 1.0) | {"I_Kr": 0.25},
        }
    },
    "controls": [run("emulator", 0.0001, 0.1), run("ode", 0.0001, 0.0)],
}


class Page(HTMLParser):
    """What a page loads, its text, its tables; complains of elements that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.rows: list[tuple[str | None, list[str]]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "a":
            self.links.append(given["href"] or "")
        else:
            self.loads += [value or "" for name, value in attributes if name in ("src", "href")]
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag == "tr":
            self.rows.append((given.get("class"), []))
        if tag in ("th", "td"):
            self.rows[-1][1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if {"th", "td"} & set(self.open):
            self.rows[-1][1][-1] += data
        if not {"script", "style"} & set(self.open):
            self.words.append(data)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    figure = go.Figure(go.Scatter(x=[1, 2], y=[1, 2], name="</script><b>"), {"height": 300})
    for name in ("figure_2", "figure_5_emulator", "figure_5_ode"):
        write_figure(tmp_path, name, figure)
    write_page(tmp_path, RESULTS)
    return tmp_path


@pytest.fixture
def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_a_figure_is_written_as_json_and_html(folder: Path) -> None:
    figures = folder / "figures"
    drawn = plotly.io.from_json((figures / "figure_2.json").read_text(encoding="utf-8"))
    assert drawn.data[0].name == "</script><b>"
    alone = Page((figures / "figure_2.html").read_text(encoding="utf-8"))
    assert alone.loads == ["plotly.min.js"] and (figures / "plotly.min.js").stat().st_size > 1_000_000
    with pytest.raises(ValueError, match=r"\.\./up"):
        write_figure(folder, "../up", go.Figure())


def test_plotly_is_written_once(folder: Path) -> None:
    before = (folder / "figures" / "plotly.min.js").stat().st_mtime_ns
    write_page(folder, RESULTS)
    assert (folder / "figures" / "plotly.min.js").stat().st_mtime_ns == before


def test_nothing_is_loaded_from_outside_and_every_link_leads_somewhere(folder: Path, page: Page) -> None:
    assert page.loads == ["figures/plotly.min.js"]
    text = (folder / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"https?://|url\(|@import", text)
    assert page.links and len(set(page.ids)) == len(page.ids)
    for link in page.links:
        assert link.removeprefix("#") in page.ids if link.startswith("#") else (folder / link).is_file()


def test_every_figure_is_embedded(folder: Path, page: Page) -> None:
    names = {path.stem for path in (folder / "figures").glob("*.json")}
    assert names == {"figure_2", "figure_5_emulator", "figure_5_ode", "eta_long_qt", "best_long_qt"}
    assert {f"figure-{name}" for name in names} <= set(page.ids)
    text = (folder / "index.html").read_text(encoding="utf-8")
    inline = re.findall(r'<script type="application/json" id="[\w-]+">(.*?)</script>', text, re.S)
    assert len(inline) == len(names) and all(json.loads(one)["data"] for one in inline)
    assert "Figure 5, ODE decoder. Long QT: currents" in "".join(page.words)


def test_text_is_escaped(page: Page) -> None:
    words = "".join(page.words)
    assert "Long QT <b>& (g_Kr ×0.25)" in words
    assert "ionwidgets 0.1<2>" in words


def test_runs_stand_in_the_order_of_eta_below_the_truth(page: Page) -> None:
    rows = page.rows
    truth = ["truth", "", "", "0", "0", "0", "1.00", "1.00", "0.25", "1.00", "1.00"]
    start = next(i for i, row in enumerate(rows) if row == ("truth", truth))
    apart = ["1.00", "1.00", "0.50", "1.00", "3.00"]
    assert rows[start + 1] == ("best", ["0.0001best", "0.1", "0.002", "0.0", "−12.3", "−12.3", *apart])
    lost = ["none", "none", "1.00", "1.00", "0.70", "1.00", "3.00"]
    assert rows[start + 2] == (None, ["0.0016fig. 4", "0.1", "0.002", "0.0", *lost])
    assert sum(css == "best" for css, _ in rows) == 2
    assert not re.search(r"\b(None|nan|null)\b", "".join(page.words))


def test_words_follow_the_numbers(page: Page) -> None:
    words = " ".join("".join(page.words).split())
    assert "170 s in all; data 1.0 s, stage 1 as published 4.4 s, stage 1 of ours 0.1 s;" in words
    emulator, ode = re.findall(r"each experiment at its best η: (.*?\.)(?=ODE|Followed)", words)
    assert re.findall(r"(\d) of (\d)", emulator) == [("0", "1")] * 3
    assert re.findall(r"(\d) of (\d)", ode) == [("1", "1")] * 3
    assert "CL 300–310, 350 ms" in words
    summary = [cells for _, cells in page.rows if cells[0].startswith("Long QT")]
    assert [row[-4:] for row in summary] == [
        ["2 of 3", "11.0", "12.3", "1.5"],
        ["3 of 3", "1.2", "1.5", "1.5"],
    ]
    assert [row[-5] for row in summary] == ["I_to", "I_Kr"]


def test_one_decoder_alone_and_no_controls(tmp_path: Path) -> None:
    results = copy.deepcopy(RESULTS)
    experiment = results["experiments"]["long_qt"]
    experiment["runs"] = [one for one in experiment["runs"] if one["decoder"] == "emulator"]
    experiment["best"].pop("ode")
    results.update(controls=[], stage1={})
    write_page(tmp_path, results)
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert "ODE decoder, each" not in "".join(page.words)
    assert "controls" not in page.ids and "stage1" not in page.ids


def looked_at(browser_path: str, address: str, width: int, scheme: str) -> dict[str, Any]:
    """The page in Chromium: what it asked for, complained of, and how it lies."""
    asked: list[str] = []
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, args=["--headless=new", "--no-sandbox", "--disable-gpu"]
        )
        view = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        view.on("request", lambda request: asked.append(request.url))
        view.on("pageerror", lambda error: complaints.append(str(error)))
        view.on(
            "console",
            lambda message: complaints.append(message.text) if message.type in ("error", "warning") else None,
        )
        view.goto(address)
        view.wait_for_selector("body[data-drawn]", timeout=60_000)
        measured = view.evaluate(
            """() => ({
              wide: document.documentElement.scrollWidth,
              drawn: document.querySelectorAll(".plot .main-svg .trace").length,
              ink: getComputedStyle(document.querySelector(".plot .legend text, .plot .xtitle")).fill,
              paper: getComputedStyle(document.body).backgroundColor,
              spilled: [...document.querySelectorAll(".plot")].filter((plot) => {
                const box = plot.getBoundingClientRect();
                const words = plot.querySelectorAll(".legendtext, .annotation-text, .xtitle, .ytitle");
                return [...words].some((text) => {
                  const own = text.getBoundingClientRect();
                  return own.left < box.left - 1 || own.right > box.right + 1 || own.top < box.top - 1;
                });
              }).length,
            })"""
        )
        browser.close()
    return {**measured, "asked": asked, "complaints": complaints}


@pytest.mark.parametrize(("width", "scheme"), [(390, "dark"), (1440, "light")])
def test_it_fits_and_is_drawn_in_a_browser(folder: Path, browser_path: str, width: int, scheme: str) -> None:
    # A thread of its own: the browser tests keep one Playwright open in this one.
    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(looked_at, browser_path, (folder / "index.html").as_uri(), width, scheme).result()
    assert seen["complaints"] == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in seen["asked"])
    assert seen["wide"] == width
    assert seen["drawn"] >= 10 and seen["spilled"] == 0
    assert seen["ink"] != seen["paper"]
    assert (seen["paper"] == "rgb(255, 255, 255)") == (scheme == "light")
