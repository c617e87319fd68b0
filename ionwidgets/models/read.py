"""A model file, .mmt or CellML, as Myokit's equations. Nothing in a file is ever run or fetched."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import NoReturn
from xml.parsers import expat

import myokit
from myokit.formats.cellml import CellMLImporter

from ionwidgets.errors import ModelError
from ionwidgets.models.cellml_header import read_header

LARGEST_FILE = 2**22  # bytes; the largest published models are a tenth of it
SUFFIXES = (".mmt", ".cellml")


def read_equations(path: Path) -> tuple[myokit.Model, myokit.Protocol | None]:
    """The model in a file, and the protocol that an `.mmt` file may hold beside it; its script is dropped.

    Raises
    ------
    ModelError : there is no such file, it is too large, or it is no valid model; with the line where known.
    """
    if "\0" in str(path):
        raise ModelError(f"{str(path)!r}: a file's name holds no NUL")
    try:
        content = _content(path)
        if path.suffix == ".cellml":
            model, protocol = _from_cellml(content), None
        else:
            # Not myokit.load_model: it fails without a word on a first line that it cannot read.
            model, protocol, _ = myokit.parse(content.decode("utf-8-sig").splitlines())
        if model is None:
            raise ModelError(f"{path.name}: no [[model]] in it")
        model.validate()
    except FileNotFoundError:
        raise ModelError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise ModelError(f"{path}: is a folder; give the model file in it") from None
    except (OSError, ValueError, LookupError) as error:
        # ValueError and LookupError: bytes that are no UTF-8, an encoding that expat does not have.
        raise ModelError(f"{path.name}: cannot be read as text ({' '.join(str(error).split())})") from None
    except expat.ExpatError as error:
        raise ModelError(f"{path.name}:{error.lineno}: no XML ({expat.ErrorString(error.code)})") from None
    except myokit.ParseError as error:
        raise ModelError(f"{path.name}:{error.line}: {error.value}") from None
    except (myokit.MyokitError, _Refused, RecursionError) as error:
        raise ModelError(f"{path.name}: {' '.join(str(error).split())}") from None
    return model, protocol


def _content(path: Path) -> bytes:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise ModelError(f"{path.name}: {size} bytes is no model file (at most {LARGEST_FILE})")
    return path.read_bytes()


class _Refused(Exception):
    """What is no CellML that can be read here, or may expand without end or reach outside the file."""


def _from_cellml(content: bytes) -> myokit.Model:
    _refuse_declarations(content)
    stream = BytesIO(content)  # what is read is what was checked
    try:
        model = CellMLImporter().model(stream)
    except myokit.MyokitError as error:
        raise _Refused(str(error).replace(f" at {stream}", "")) from None
    model.meta.update(read_header(content))
    return model


def _refuse_declarations(content: bytes) -> None:
    """Read through the XML with entities left alone, and stop where a document type would declare any."""

    def refuse(*_: object) -> NoReturn:
        raise _Refused("a CellML file needs no document type or entities; remove <!DOCTYPE ...>")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
