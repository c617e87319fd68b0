"""The small controls, as far as they live in the kernel."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plotly.basewidget import BaseFigureWidget

from ionwidgets import figures
from ionwidgets.widgets.elements import SCALE_STOPS, ConductanceSliders, FigureView, Upload
from ionwidgets.widgets.elements.static import STATIC


def test_slider_stops_are_zero_then_a_logarithmic_scale_that_holds_the_round_factors() -> None:
    assert SCALE_STOPS[:2] == [0.0, 0.05]
    assert SCALE_STOPS[-1] == 4.0
    assert {0.25, 0.5, 1.0, 2.0} <= set(SCALE_STOPS)
    ratios = np.diff(np.log(SCALE_STOPS[2:]))
    np.testing.assert_allclose(ratios, np.log(2) / 16, rtol=0.2)


def _send(upload: Upload, name: str, pieces: list[bytes], which: str = "a") -> None:
    for index, piece in enumerate(pieces):
        content = {"kind": "piece", "upload": which, "name": name, "index": index, "pieces": len(pieces)}
        upload._receive(None, content, [memoryview(piece)])


def _kept(**traits: Any) -> tuple[Upload, list[tuple[str, bytes]], list[dict[str, Any]]]:
    """An upload, what it has handed on (name and content), and what it has told the page."""
    got: list[tuple[str, bytes]] = []
    upload = Upload(lambda path: got.append((path.name, path.read_bytes())), label="Recording", **traits)
    told: list[dict[str, Any]] = []
    upload.send = lambda content, buffers=None: told.append(content)  # type: ignore[method-assign]
    return upload, got, told


def test_a_file_that_comes_in_pieces_arrives_whole() -> None:
    upload, got, told = _kept()
    _send(upload, "a.csv", [b"time,", b"V\n", b"1,2"])
    _send(upload, "empty.csv", [b""])
    assert got == [("a.csv", b"time,V\n1,2"), ("empty.csv", b"")]
    assert [word["index"] for word in told] == [0, 1, 2, 0] and {word["kind"] for word in told} == {"taken"}


def test_a_file_that_is_too_large_is_refused_in_one_line() -> None:
    upload, got, told = _kept(limit=8)
    _send(upload, "big.csv", [b"12345", b"67890", b"1"])
    assert got == [] and told[-1] == {"kind": "refused", "upload": "a"}
    assert "too large" in upload.problem
    _send(upload, "small.csv", [b"1"], "b")
    assert got == [("small.csv", b"1")]
    assert upload.problem == ""
    upload._receive(None, {"kind": "too-large", "name": "x", "size": 2**40}, [])
    assert "1048576 MiB is too large" in upload.problem


def test_another_file_takes_the_place_of_one_that_has_not_come_to_its_end() -> None:
    upload, got, _ = _kept()
    first = {"kind": "piece", "upload": "a", "name": "a.csv", "index": 0, "pieces": 2}
    upload._receive(None, first, [memoryview(b"1")])
    _send(upload, "b.csv", [b"2"], "b")
    upload._receive(None, first | {"index": 1}, [memoryview(b"3")])
    assert got == [("b.csv", b"2")]


def test_files_lie_in_a_private_folder_as_long_as_the_widget() -> None:
    paths: list[Path] = []
    upload = Upload(paths.append, label="Recording")
    for name in ("../../evil.csv", "..\\evil.csv", "evil.csv", "..", ""):
        _send(upload, name, [b"1"])
    assert [path.name for path in paths] == ["evil.csv"] * 3 + ["file"] * 2
    assert len({path.parent for path in paths}) == 5 and len({path.parents[1] for path in paths}) == 1
    upload.close()
    assert not any(path.exists() for path in paths)


def test_a_file_that_cannot_be_kept_is_said_and_the_page_told() -> None:
    upload, got, told = _kept()
    upload._place = lambda name: Path("/nowhere") / name  # type: ignore[method-assign]
    _send(upload, "a.csv", [b"1"])
    assert got == [] and told == [{"kind": "refused", "upload": "a"}]
    assert upload.problem == "a.csv: cannot be kept here (No such file or directory)"


def test_a_long_name_in_any_script_is_cut() -> None:
    upload, got, _ = _kept()
    _send(upload, "記" * 90 + ".csv", [b"1"])
    ((name, content),) = got
    assert content == b"1" and len(name.encode()) <= 200 and name.endswith("記.csv")


def _view() -> FigureView:
    trace = figures.Trace("a", [0.0, 1.0], [0.0, 0.0], None)
    return FigureView(figures.action_potential([trace]), "V against time")


def test_a_page_that_connects_later_sees_the_present_figure() -> None:
    view = _view()
    figures.update_action_potential(view, [figures.Trace("b", [0.0, 1.0], [5.0, 6.0], None)])
    data = view.get_state()["_widget_data"][0]
    assert data["name"] == "b"
    np.testing.assert_array_equal(np.frombuffer(data["y"]["buffer"], np.float32), [5.0, 6.0])
    view.close()


Told = list[tuple[dict[str, Any], dict[str, Any]]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """What figures send to the page: of their traces, of their layout."""
    sent: Told = []
    own = BaseFigureWidget._send_update_msg

    def send(view: FigureView, restyle_data: Any, relayout_data: Any, *more: Any, **named: Any) -> None:
        sent.append((restyle_data, relayout_data))
        own(view, restyle_data, relayout_data, *more, **named)

    monkeypatch.setattr(BaseFigureWidget, "_send_update_msg", send)
    return sent


def _asked(view: FigureView, told: Told) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a page is sent that is ready now."""
    told.clear()
    view._answer(None, {"kind": "ready"}, None)
    ((traces, layout),) = told
    return traces, layout


def test_a_page_that_missed_a_change_while_loading_is_sent_it_once_ready(told: Told) -> None:
    view = _view()
    view.get_state()
    view._answer(None, {"kind": "ready"}, None)
    assert told == []
    figures.update_action_potential(view, [figures.Trace("b", [0.0, 1.0], [5.0, 6.0], None)])
    np.testing.assert_array_equal(_asked(view, told)[0]["y"][0], [5.0, 6.0])
    figures.update_action_potential(view, [figures.Trace("b", [], [], None)])
    traces, _ = _asked(view, told)
    assert traces["showlegend"] == [False], "nothing is drawn, so nothing stands in the legend"
    assert traces["name"] == ["b"]
    view.close()


def test_a_page_that_missed_a_change_of_axes_is_sent_it_once_ready(told: Told) -> None:
    V = [-80.0, 0.0]
    before, after = ({"m": ([0.0, 1.0], [tau, 3 * tau])} for tau in (1.0, 1000.0))
    view = FigureView(figures.gate_curves(V, before, before), "Gate curves")
    view.get_state()
    figures.update_gate_curves(view, after, after, ["m"])
    _, layout = _asked(view, told)
    assert layout["yaxis2.ticktext"] == ["1000", "2000", "5000"]
    view.close()


def test_what_the_pointer_is_told_is_sent_too_and_so_are_names_of_points_and_colours(told: Told) -> None:
    V = np.array([0.0, 1.0])
    shares = FigureView(figures.current_shares(V, {"I_Kr": V}, ["I_Kr"]), "Shares")
    trade = FigureView(figures.eta_trade_off(), "Trade-off")
    bars = FigureView(figures.attribution({"I_Kr": 0.5}), "Bars")
    figures.update_current_shares(shares, V, {"I_Kr": 7 * V}, ["I_Kr"])
    traces, _ = _asked(shares, told)
    np.testing.assert_array_equal(traces["customdata"][0], [0.0, 7.0])
    figures.update_eta_trade_off(trade, [1.0, 2.0], [2.0, 1.0], [1e-3, 1e-2], 1e-3)
    traces, _ = _asked(trade, told)
    assert list(traces["text"][0]) == ["0.001", "0.01"]
    figures.update_attribution(bars, {"I_Kr": 0.5, "I_Ks": 0.2})
    traces, layout = _asked(bars, told)
    assert len(traces["marker.color"][0]) == 2 and len(layout["yaxis.ticktext"]) == 2
    for view in (shares, trade, bars):
        view.close()


def test_plotly_is_sent_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    view = _view()
    assert len(str(view._esm)) < 12_000
    sent: list[bytes] = []
    monkeypatch.setattr(view, "send", lambda content, buffers: sent.extend(buffers))
    view._answer(None, {"kind": "plotly"}, None)
    assert len(sent) == 1 and b"FigureModel" in gzip.decompress(sent[0])
    view.close()


def test_no_script_or_style_of_ours_names_another_host() -> None:
    for file in STATIC.iterdir():
        assert "http" not in file.read_text(encoding="utf-8"), file.name


def _moved(control: Any, number: int, value: object, place: int = 1) -> None:
    control._handle_custom_msg(
        {"kind": "moved", "number": number, "view": "a", "place": place, "value": value}, []
    )


def test_a_move_is_heard_unless_the_page_had_not_heard_the_last_word() -> None:
    sliders = ConductanceSliders()
    assert sliders._told == {"number": 0, "value": {}}
    _moved(sliders, 0, {"g_Kr": 0.5})
    assert sliders.scale == {"g_Kr": 0.5}
    assert sliders._told == {"number": 0, "value": {"g_Kr": 0.5}, "view": "a", "place": 1}
    sliders.scale = {}  # an undo
    assert sliders._told == {"number": 1, "value": {}}
    _moved(sliders, 0, {"g_Kr": 0.25}, 2)  # was on its way
    assert sliders.scale == sliders._told["value"] == {}
    sliders.scale = {"g_Kr": 0.5}  # a redo, to what the page had sent before
    assert sliders._told == {"number": 2, "value": {"g_Kr": 0.5}}
    _moved(sliders, 2, 3)
    assert sliders.scale == {"g_Kr": 0.5}


def test_an_observer_that_refuses_a_move_has_the_last_word() -> None:
    sliders = ConductanceSliders()
    sliders.observe(lambda change: setattr(sliders, "scale", {}), "scale")
    _moved(sliders, 0, {"g_Kr": 0.5})
    assert sliders.scale == {} and sliders._told == {"number": 1, "value": {}}
