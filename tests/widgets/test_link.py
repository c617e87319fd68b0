"""A set-up as a link, and a link as a set-up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionwidgets.widgets import Workbench, workbench
from ionwidgets.widgets.link import link_of, settings_of
from ionwidgets.widgets.workbench import EXPERIMENT, INTERPRET, LEARN, MODEL

names = st.from_regex(r"[gPK]_[A-Z]\w{0,6}", fullmatch=True).filter(lambda name: name.isascii())
amounts = st.floats(0, 1e6, allow_nan=False)
pacing = st.fixed_dictionaries({"kind": st.just("pacing"), "beats": st.integers(2, 1000)})
trains = st.fixed_dictionaries(
    {"kind": st.just("S1S2"), "beats": st.integers(1, 1000), "s2": st.lists(amounts, min_size=1, max_size=9)}
)


@st.composite
def drugs(draw: Callable[[Any], Any]) -> dict[str, Any]:
    targets = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    return {
        "ic50": {name: draw(amounts) for name in targets},
        "hill": {name: draw(amounts) for name in targets},
        "concentration": draw(amounts),
        "unit": draw(st.sampled_from(["µM", "nM"])),
    }


set_ups = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["tnnp2004:M", "hh1952", "a & b=c:ä"]),
        "experiment": st.fixed_dictionaries(
            {"cycle_length": amounts},
            optional={
                "scale": st.dictionaries(names, amounts, min_size=1, max_size=5),
                "protocol": st.one_of(pacing, trains),
                "drug": drugs(),
            },
        ),
    },
    optional={"step": st.integers(1, 5)},
)


@given(set_ups)
def test_there_and_back(settings: dict[str, Any]) -> None:
    query = link_of(settings)
    assert settings_of(query) == (settings, [])
    assert settings_of(f"?token=abc&{query}&voila-theme=dark") == (settings, [])
    assert query.isascii() and " " not in query


def test_it_reads_as_one_would_write_it() -> None:
    set_up = {"model": "tnnp2004:M", "experiment": {"scale": {"g_Kr": 0.25}, "cycle_length": 600.0}}
    assert link_of(set_up) == "model=tnnp2004:M&g_Kr=0.25&cycle_length=600"
    assert settings_of("?drug=g_Kr:12:1,g_CaL:80&concentration=6")[0]["experiment"]["drug"] == {
        "ic50": {"g_Kr": 12.0, "g_CaL": 80.0}, "hill": {"g_Kr": 1.0, "g_CaL": 1.0}, "concentration": 6.0,
    }  # fmt: skip
    assert settings_of("s2=300,350&protocol=S1S2")[0] == {
        "experiment": {"protocol": {"kind": "S1S2", "s2": [300.0, 350.0]}}
    }
    assert settings_of("") == settings_of("?token=x") == ({}, [])


@pytest.mark.parametrize(
    "query",
    [
        "g_Kr=little", "g_Kr=nan", "step=6", "step=one", "utm-source=mail", "drug=g_Kr", "drug=g_Kr:a",
        "drug=", "concentration=6", "unit=nM", "beats=1.5", "s2=300", "protocol=S1S2&s2=300,x", "model=",
        "model=%00", "cycle_length=", "cycle_length=inf", "=3", "g_Kr", "x" * 5000,
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named_and_takes_nothing_else_with_it(query: str) -> None:
    problems = settings_of(query)[1]
    assert len(problems) == 1 and len(problems[0]) < 200 and problems[0].isprintable()
    if len(query) < 100:
        both, again = settings_of(f"g_K1=2&{query}")
        assert both["experiment"]["scale"]["g_K1"] == 2 and again == problems


@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    settings, problems = settings_of(text)
    assert set(settings) <= {"model", "step", "experiment"}
    assert all("\n" not in problem for problem in problems)


# ---- in the workbench ----


@pytest.fixture
def bench() -> Iterator[Workbench]:
    made = workbench()
    yield made
    assert made.experiment.worker.wait(120) and made.learn.check.wait(120)
    made.close()


def test_a_link_opens_its_set_up_on_step_2(bench: Workbench) -> None:
    bench.menu.link.arrived = "model=tnnp2004:epi&g_Kr=0.25&cycle_length=700"
    assert bench.session.model.key == "tnnp2004:epi" and bench.steps.current == EXPERIMENT
    assert bench.experiment.scale == {"g_Kr": 0.25} and bench.experiment.cycle_length == 700
    assert bench.session.trouble == "" and bench.session.result is None


def test_a_link_to_the_model_that_is_open_keeps_its_finding(bench: Workbench) -> None:
    result = bench.session.result
    bench.use_link("?model=tnnp2004:M&g_Kr=0.25&step=5")
    assert bench.session.result is result and bench.steps.current == INTERPRET
    assert bench.experiment.scale == {"g_Kr": 0.25}


def test_what_is_not_known_is_named_and_the_rest_is_set(bench: Workbench, until: Callable[..., None]) -> None:
    for query, named in (
        ("model=/etc/passwd", "model=/etc/passwd"),
        ("model=tnnp2004:X", "model=tnnp2004:X"),
        ("g_Krr=0.5", "g_Krr"),
        ("g_Ks=-1", "g_Ks"),
        ("cycle_length=1", "cycle length"),
        ("bogus=x", "bogus=x"),
    ):
        bench.experiment.reset()
        bench.use_link(f"{query}&g_Kr=0.25&step=1")
        assert named in bench.session.trouble
        until(lambda: bench.status.tone == "problem")  # as soon as nothing is paced
        assert "\n" not in bench.session.trouble and bench.steps.current == MODEL
        assert bench.experiment.scale == {"g_Kr": 0.25} and bench.session.model.key == "tnnp2004:M"


def test_no_link_leaves_the_page_as_it_is(bench: Workbench) -> None:
    before = bench.session.notice
    bench.menu.link.arrived = ""
    assert bench.steps.current == INTERPRET and bench.session.notice == before


def test_the_link_is_made_of_what_is_set(bench: Workbench) -> None:
    sent: list[Any] = []
    bench.menu.link.send = lambda content, buffers=None: sent.append(content)
    bench.experiment.use_settings({"scale": {"g_Kr": 0.25}})
    bench.go_to(EXPERIMENT)
    bench.menu.link._answer(None, {"kind": "ask", "wish": "a"}, [])
    query = "model=tnnp2004:M&g_Kr=0.25"
    assert sent == [{"kind": "link", "wish": "a", "query": query, "why_not": ""}]
    bench.go_to(LEARN)
    bench.experiment.use_settings({"scale": {"g_Kr": 0.25}, "cycle_length": 600.0})
    bench.menu.link._answer(None, {"kind": "ask", "wish": "b"}, [])
    assert sent[1]["query"] == f"{query}&cycle_length=600&step=3"
    bench.session.use_model(bench.session.model, "mine.mmt")
    bench.session.model_source = "mine.mmt"
    bench.menu.link._answer(None, {"kind": "ask", "wish": "c"}, [])
    assert sent[2]["query"] == "" and "save the session" in sent[2]["why_not"]
