"""The channel explorer and the two-stage story, without a browser."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from ionwidgets.discovery import discover
from ionwidgets.discovery.paper_examples import PREDICTED, paper_recording, paper_result
from ionwidgets.discovery.reproduction.experiments import EXPERIMENTS
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import load_model
from ionwidgets.widgets import ChannelExplorer, TwoStageStory

NO_TORCH = """
import sys
import ionwidgets as iw
explorer = iw.widgets.ChannelExplorer()
explorer.experiment.scale = {"g_Kr": 0.25}
explorer.go_to(0)
assert explorer.experiment.worker.wait(120) and explorer.experiment.response is not None
print("torch" in sys.modules)
"""


@pytest.fixture
def story() -> Iterator[TwoStageStory]:
    made = TwoStageStory()
    yield made
    assert made.experiment.worker.wait(120) and made.learn.check.wait(120)
    made.close()


def test_the_explorer_needs_no_torch() -> None:
    ran = subprocess.run([sys.executable, "-c", NO_TORCH], capture_output=True, text=True, timeout=200)
    assert (ran.returncode, ran.stdout.strip(), ran.stderr) == (0, "False", "")


def test_the_explorer_takes_a_link_and_makes_one() -> None:
    explorer = ChannelExplorer()
    explorer.use_link("model=lr1991&g_K=0.5&step=5&nonsense=1")
    assert explorer.session.model.name == "lr1991" and explorer.experiment.scale == {"g_K": 0.5}
    assert explorer.steps.current == 1 and "nonsense" in explorer.session.trouble
    assert explorer.experiment.worker.wait(120)
    query, why_not = explorer.link._make()
    assert query == "model=lr1991&g_K=0.5" and why_not == ""
    explorer.close()


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e.key)
def test_a_story_has_its_recording_and_its_finding(story: TwoStageStory, experiment: object) -> None:
    story.story.choose(experiment.key)
    first = story.session.result.findings.iloc[0]
    assert first["current"] == experiment.current
    assert first["scale"] == pytest.approx(next(iter(experiment.scale.values())), rel=0.01)
    assert story.session.recording.sizes["cell"] == 3
    assert story.experiment.scale == experiment.scale
    for step in range(5):
        story.go_to(step)
        assert [page.layout.display for page in story.pages] == [
            None if index == step else "none" for index in range(5)
        ]


def test_only_the_papers_experiments_are_told(story: TwoStageStory) -> None:
    with pytest.raises(IonWidgetsError, match="long_qt"):
        paper_recording("long_qtt")


@pytest.mark.slow
@pytest.mark.parametrize("key", [e.key for e in EXPERIMENTS])
def test_what_is_stored_is_found_again(key: str) -> None:
    found = discover(load_model("tnnp2004:M"), paper_recording(key), predict_cl=PREDICTED)
    stored = paper_result(key)
    assert found.verdict == stored.verdict == "changed"
    assert list(found.findings["current"][:1]) == list(stored.findings["current"][:1])
    np.testing.assert_allclose(found.findings["scale"][0], stored.findings["scale"][0], rtol=1e-3)
