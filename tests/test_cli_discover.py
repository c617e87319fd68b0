"""`ionwidgets discover`: its answers, its files, and what is kept when one of them cannot be."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
from command_line import one_line
from finding_schema import check, parsed, ranked
from paced_truth import apd90_by_cvodes

import ionwidgets as iw
from ionwidgets.models import load_model
from ionwidgets.recordings import write_recording

DATA = Path(__file__).resolve().parent / "data"
LONGQT = str(DATA / "longqt.csv")


def test_the_whole_line_in_a_fresh_process(tmp_path: Path) -> None:
    command = ["discover", LONGQT, "--model", "tnnp2004:M", "--predict-cl", "450,700", "--json", "-"]
    answer = subprocess.run(
        [sys.executable, "-m", "ionwidgets.cli", *command],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert answer.returncode == 0, answer.stderr
    finding = parsed(answer.stdout)
    check(finding, load_model("tnnp2004:M"))
    assert "Retraining on the recording" in answer.stderr and "\r" not in answer.stderr
    first = ranked(finding)[0]
    assert (first["current"], first["parameter"], finding["verdict"]) == ("I_Kr", "g_Kr", "changed")
    assert abs(first["scale"] / 0.25 - 1) < 0.15
    for cycle_length, prediction in finding["predictions"].items():
        truth = apd90_by_cvodes("tnnp2004:M", "g_Kr", 0.25, float(cycle_length))
        assert abs(prediction["apd90_ms"] - truth) < 8
    assert list(finding["predictions"]) == ["450", "700"]
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_discover_in_words_with_all_its_files(run, tmp_path: Path) -> None:
    short = tmp_path / "cell7.csv"
    lines = (DATA / "shortqt.csv").read_text(encoding="utf-8").splitlines()
    short.write_text(
        "\n".join(line for line in lines if not line.startswith(("600", "800"))) + "\n", encoding="utf-8"
    )
    run("learn", "tnnp2004:M", "--out", tmp_path / "net.safetensors")
    code, out, err = run(
        "discover", short, "--model", "tnnp2004:M", "--network", tmp_path / "net.safetensors",
        "--columns", "time=time,V=V,cycle_length=cycle_length,Ca_i=Ca_i", "--stimulus", "-52,1",
        "--seed", "1", "--json", tmp_path / "finding.json", "--export", tmp_path / "edited.mmt",
        "--predict-cl", "500", "--duration", "6000", "--report", tmp_path / "report.html",
    )  # fmt: skip
    assert code == 0, err
    assert "cell7.csv: Something changed in this cell." in out and "1. I_CaL (g_CaL) x0.2" in out
    assert "predicted at CL 500 ms: APD90" in out
    finding = parsed((tmp_path / "finding.json").read_text(encoding="utf-8"))
    check(finding, load_model("tnnp2004:M"))
    assert finding["seed"] == 1 and finding["recording"]["file"] == "cell7.csv"
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "What changed in cell7.csv" in report and report.endswith("</html>\n")
    edited = load_model(tmp_path / "edited.mmt")
    scale = next(entry["scale"] for entry in finding["currents"] if entry["current"] == "I_CaL")
    control = load_model("tnnp2004:M").conductances["g_CaL"]
    np.testing.assert_allclose(edited.conductances["g_CaL"] / control, scale, atol=1e-4)


def test_discover_against_a_control_recording(run) -> None:
    code, out, err = run(
        "discover", DATA / "shortqt.csv", "--control", DATA / "control.csv", "--model", "tnnp2004:M"
    )
    assert code == 0, err
    assert "Fitting the control recording" in err and "against the cell before the change, control.csv" in out
    assert "1. I_CaL (g_CaL) x0.2" in out
    missing = one_line(
        run("discover", LONGQT, "--control", DATA / "no.csv", "--model", "tnnp2004:M", "--json", "-")
    )
    assert "no.csv" in missing


def test_discover_in_several_cells(run, tmp_path: Path) -> None:
    lines = (DATA / "shortqt.csv").read_text(encoding="utf-8").splitlines()
    for name, kept in (("a.csv", ("cycle", "400")), ("b.csv", ("cycle", "600"))):
        short = [line for line in lines if line.startswith(kept)]
        (tmp_path / name).write_text("\n".join(short) + "\n", encoding="utf-8")
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)) * 40)
    files = [tmp_path / name for name in ("a.csv", "photo.csv", "b.csv")]
    code, out, err = run(
        "discover", *files, "--model", "tnnp2004:M", "--predict-cl", "500", "--duration", "6000",
        "--json", tmp_path / "all.json", "--csv", tmp_path / "csv", "--export", tmp_path / "models",
        "--report", tmp_path / "reports",
    )  # fmt: skip
    assert code == 0, err
    assert "Cell 2 of 2: retraining on the recording" in err
    assert "tnnp2004:M against 3 cells: changed in 2. 1 cell did not come out." in out
    assert "I_CaL (g_CaL) x0.2" in out and "(median)" in out and "cell 2, photo.csv: failed: photo.csv" in out
    document = parsed((tmp_path / "all.json").read_text(encoding="utf-8"))
    assert document["schema"] == "ionwidgets/findings/1" and len(document["cells"]) == 2
    for finding, name in zip(document["cells"], ("1_a", "3_b"), strict=True):
        check(finding, load_model("tnnp2004:M"))
        trace = tmp_path / "csv" / name / "prediction_500.csv"
        assert finding["predictions"]["500"]["trace_csv"] == trace.as_posix() and trace.is_file()
        load_model(tmp_path / "models" / f"{name}.mmt")
        assert (tmp_path / "reports" / f"{name}.html").read_text("utf-8").endswith("</html>\n")
    assert document["failed"][0]["cell"] == 2
    row = next(row for row in document["table"] if row["parameter"] == "g_CaL")
    assert row["found"] == 2 and abs(row["median"] / 0.25 - 1) < 0.1


def test_several_cells_that_cannot_be_are_refused_at_once(run, tmp_path: Path) -> None:
    words = ["--model", "tnnp2004"]
    err = one_line(run("discover", LONGQT, LONGQT, "--control", LONGQT, *words))
    assert "2 recordings and 1 control recording; give one control" in err
    assert "no.csv" in one_line(run("discover", LONGQT, tmp_path / "no.csv", *words))
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)) * 40)
    err = one_line(run("discover", tmp_path / "photo.csv", tmp_path / "photo.csv", *words))
    assert "none of the recordings can be read; the first: photo.csv" in err
    for option in ("--report", "--export", "--csv"):
        err = one_line(run("discover", LONGQT, LONGQT, *words, option, tmp_path / "photo.csv"))
        assert "photo.csv: is a file; give a folder" in err
        assert "nowhere" in one_line(run("discover", LONGQT, *words, option, tmp_path / "nowhere" / "x"))
    err = one_line(run("discover", LONGQT, *words, "--export", tmp_path / "model.xml"))
    assert ".mmt (Myokit)" in err


def test_discover_under_the_conditions_of_the_recording(run, tmp_path: Path) -> None:
    file = tmp_path / "cell7.csv"
    lines = (DATA / "shortqt.csv").read_text(encoding="utf-8").splitlines()
    # One cell, V shown 3 mV too low; no cycle length in the file.
    cells = [line.split(",") for line in lines[1:] if line.startswith("800,")]
    rows = "\n".join(f"{time},{float(V) - 3:.4f},{Ca},0" for _, time, V, Ca in cells)
    file.write_text(f"time [ms],V [mV],Ca_i [mM],pipette\n{rows}\n", encoding="utf-8")
    code, out, err = run(
        "discover", file, "--model", "tnnp2004:M", "--cycle-length", "800", "--conditions", "K_o=5.4,T=310",
        "--junction-potential", "-3", "--leak", "0,0", "--columns", "current=pipette",
        "--units", "current=pA/pF",
    )  # fmt: skip
    assert code == 0, err
    assert "under K_o=5.4; T=310; junction potential -3 mV, taken off V; leak of the seal 0 nS/pF" in out
    assert "1. I_CaL (g_CaL) x0.2" in out


def test_a_file_that_cannot_be_made_loses_nothing(run, tmp_path: Path) -> None:
    # A guinea pig cell is none that the human model can be.
    paced = iw.simulate(iw.load_model("lr1991"), [600.0], 8000.0, record_from=5000.0, variables=["V"])
    write_recording(paced, tmp_path / "a.csv")
    code, out, err = run(
        "discover", tmp_path / "a.csv", "--model", "tnnp2004:M", "--export", tmp_path / "edited.mmt",
        "--json", tmp_path / "finding.json",
    )  # fmt: skip
    assert code == 2 and "so there is no altered model to write" in err and "Traceback" not in err
    assert "The model cannot produce this recording." in out and not (tmp_path / "edited.mmt").exists()
    assert parsed((tmp_path / "finding.json").read_text(encoding="utf-8"))["verdict"] == "unexplained"


def test_a_cycle_length_of_a_control_that_is_not_there(run) -> None:
    assert "is of --control" in one_line(
        run("discover", LONGQT, "--model", "tnnp2004", "--cycle-length", "1,2")
    )
