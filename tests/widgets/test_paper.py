"""The paper's runs in a panel: as shipped, and made again, stopped and gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from discovery.test_reproduction import SMALL

from ionwidgets.discovery.reproduction import read_reproduction, reproduce, shipped_reproduction
from ionwidgets.discovery.reproduction.reading import pack
from ionwidgets.errors import IonWidgetsError
from ionwidgets.figures import MODES
from ionwidgets.widgets.paper import state as paper_state
from ionwidgets.widgets.paper.panel import PaperPanel, found_table, lines_table
from ionwidgets.widgets.paper.state import PaperState
from ionwidgets.widgets.session import Session

Until = Callable[..., None]


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PaperState:
    """Two eta of three cycle lengths instead of the published twenty of 101, in a folder of its own."""
    monkeypatch.setattr("platformdirs.user_data_dir", lambda name: str(tmp_path / name))

    def small(folder: Path, **options: Any) -> dict[str, Any]:
        return reproduce(folder, settings=replace(SMALL), **options)

    monkeypatch.setattr(paper_state, "_load", lambda: small)
    return PaperState(Session())


def test_what_is_shipped_has_every_figure_and_says_what_was_found() -> None:
    shipped = shipped_reproduction()
    names = ["figure_2", "figure_3", "figure_4"]
    names += [f"figure_{number}_{decoder}" for number in (5, 6, 7) for decoder in ("emulator", "ode")]
    assert list(shipped.figures)[: len(names)] == names
    for experiment in shipped.results["experiments"].values():
        assert len(experiment["runs"]) == 2 * 20
    page, light = shipped.figure("figure_4"), shipped.figure("figure_4", "light")
    assert page.layout.font.color == MODES["page"]["ink"] != light.layout.font.color == MODES["light"]["ink"]
    np.testing.assert_array_equal(page.data[0].y, light.data[0].y)
    table = found_table(shipped)
    assert table.count("<tr>") == 1 + 3 * 2 and "I<sub>Kr</sub>" in table
    numbers = lines_table(page, "Figure 4")
    assert numbers.count("<tr>") == 1 + len(page.data) and " mV" in numbers
    with pytest.raises(IonWidgetsError, match="figure_9"):
        shipped.figure("figure_9")


def test_it_is_made_stopped_and_gone_on_with(paper: PaperState, until: Until) -> None:
    panel = PaperPanel(paper.session, paper)
    panel.show()
    assert panel.shipped.layout.display == "none" and "shipped with the package" in panel.origin.value
    panel.decoders.value = "ode"
    paper.start()
    until(lambda: any((paper.folder / "runs").glob("*.safetensors")), 120)
    paper.stop()
    assert paper.wait(60)
    until(lambda: not paper.busy)
    assert paper.phase == "stopped" and "Reproduce goes on with them" in paper.outcome
    assert not paper.own and 0 < paper.begin() < 1
    kept = {path: path.stat().st_mtime_ns for path in (paper.folder / "runs").iterdir()}
    paper.start()
    assert paper.wait(240)
    until(lambda: not paper.busy)
    assert paper.phase == "done", paper.outcome
    assert paper.own and "found by the ode" in paper.outcome
    assert all(path.stat().st_mtime_ns == at for path, at in kept.items())
    assert "made here" in panel.origin.value and panel.shipped.layout.display is None
    panel.menu.value = "figure_5_ode"
    assert panel.drawn.children[0].alt == "Figure 5, ODE decoder"
    panel.shipped.click()
    assert not paper.own and "shipped" in panel.origin.value
    again = paper.folder.parent / "packed"
    pack(paper.folder, again)
    assert read_reproduction(again).figures == read_reproduction(paper.folder).figures
    panel.close()


def test_without_a_folder_it_is_said_and_nothing_is_lost(
    paper: PaperState, monkeypatch: pytest.MonkeyPatch, until: Until
) -> None:
    monkeypatch.setattr(paper_state, "private_folder", lambda name: None)
    paper.start()
    assert paper.wait(20)
    until(lambda: not paper.busy)
    assert paper.phase == "failed" and "no folder of your own" in paper.outcome
    assert "kept" not in paper.outcome and not paper.own


@pytest.mark.parametrize("content", ["", "[]", "{}", json.dumps({"schema": "ionwidgets/finding/1"})])
def test_what_is_no_reproduction_is_refused_in_one_line(tmp_path: Path, content: str) -> None:
    with pytest.raises(IonWidgetsError, match="no complete reproduction"):
        read_reproduction(tmp_path)
    (tmp_path / "results.json").write_text(content)
    with pytest.raises(IonWidgetsError, match="cannot be read"):
        read_reproduction(tmp_path)
