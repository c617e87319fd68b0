"""The examples in the docstrings of what a user calls run as they stand."""

from __future__ import annotations

import doctest

import pytest

import ionwidgets as iw

NAMES = (
    "simulate", "Pacing", "S1S2", "DynamicRestitution", "VoltageClamp", "CurrentClamp", "Drug", "restitution",
    "iv_curve", "fi_curve", "capture",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of(name: str) -> None:
    example = doctest.DocTestFinder(recurse=False).find(getattr(iw, name), name)[0]
    assert example.examples, "no example"
    runner = doctest.DocTestRunner(checker=_Anything(), verbose=False)
    report: list[str] = []
    runner.run(example, out=report.append)
    assert runner.failures == 0, "".join(report)


class _Anything(doctest.OutputChecker):
    """Only what an example says to come out is compared."""

    def check_output(self, want: str, got: str, optionflags: int) -> bool:
        return not want or super().check_output(want, got, optionflags)
