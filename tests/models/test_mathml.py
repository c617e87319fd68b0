"""Equations as MathML: of every model of the library well-formed, and what they say."""

from __future__ import annotations

from xml.etree import ElementTree

import myokit
import pytest

from ionwidgets.models import list_models, load_model
from ionwidgets.models.mathml import equation_mathml, expression_mathml


@pytest.mark.parametrize("name", [card.name for card in list_models()])
def test_every_equation_of_the_library_is_well_formed(name: str) -> None:
    model = load_model(name)
    for variable in model.equations.variables(deep=True):
        made = ElementTree.fromstring(equation_mathml(variable).replace("&nbsp;", " "))
        assert made.tag == "math" and all((part.text or "").strip() for part in made.iter("mi"))
        assert all(len(part) == 2 for part in made.iter() if part.tag in ("mfrac", "msup", "msub"))


def text(line: str) -> str:
    """What is read of a line of Myokit's, tags left out."""
    model = myokit.parse_model(f"[[model]]\na.x = 1\n[a]\ndot(x) = y\ny = {line}\nz = 2\nt = 0 bind time\n")
    made = expression_mathml(model.get("a.y").rhs()).replace("&nbsp;", " ")
    return "".join(ElementTree.fromstring(f"<m>{made}</m>").itertext())


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ("2 * (x + z)", "2·(x+z)"),
        ("-(x - z)", "−(x−z)"),
        ("(x + 1)^2", "(x+1)2"),
        ("(x / z)^2", "(xz)2"),
        ("exp(-x)", "e−x"),
        ("log(x)", "ln(x)"),
        ("abs(x)", "|x|"),
        ("sin(x)", "sin(x)"),
        ("if(x < -40, 1, 2.5e-7)", "1if x<−402.5·10−7otherwise"),
        ("if(not (x > 1 and z >= 2), 1, 2)", "1if not (x>1andz≥2)2otherwise"),
        ("5 [mV] / z", "5 mVz"),
    ],
)
def test_an_expression_says_what_it_is(line: str, read: str) -> None:
    assert text(line).replace("  ", " ") == read
