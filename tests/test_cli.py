"""The command line: what it prints where, its exit codes, and one line for every wrong input."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from command_line import one_line

import ionwidgets as iw
from ionwidgets import gnn
from ionwidgets.gnn import Network, Stage1
from ionwidgets.models import load_model
from ionwidgets.recordings import read_recording

DATA = Path(__file__).resolve().parent / "data"
LONGQT = str(DATA / "longqt.csv")
HEADER = "cycle_length [ms],time [ms],V [mV],Ca_i [mM]"


def recording_of(path: Path, rows: list[str], header: str = HEADER) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def rows(n: int = 20) -> list[str]:
    return [f"400,{i},{-80 + i % 7},{1e-4 + i * 1e-7}" for i in range(n)]


# ---- what the commands do ----


def test_models_lists_the_library(run) -> None:
    code, out, err = run("models")
    assert (code, err) == (0, "")
    assert "tnnp2004  (M, epi, endo)" in out and "10.1152/ajpheart.00794.2003" in out
    assert "I_Kr" in out and "Xr1" in out and "17 states" in out


def test_simulate_prints_biomarkers_and_stores_traces(run, tmp_path: Path) -> None:
    out_file = tmp_path / "altered.nc"
    code, out, err = run(
        "simulate", "tnnp2004:M", "--cycle-lengths", "400,600:800:100", "--duration", "3000", "--scale",
        "g_Kr=0.25", "--scale", "g_to=2", "--out", out_file,
    )  # fmt: skip
    assert code == 0 and "altered.nc: 4 cells, 3001 samples" in err
    lines = out.splitlines()
    assert "APD90 [ms]" in lines[0] and "Ca_i max [uM]" in lines[0] and len(lines) == 5
    with xr.open_dataset(out_file, engine="h5netcdf") as stored:
        assert list(stored["cycle_length"].values) == [400, 600, 700, 800]
        assert stored["V"].attrs["units"] == "mV" and stored["V"].dtype == np.float32
        assert {"V", "Ca_i", "Xr1", "I_Kr", "APD90"} <= set(stored.data_vars)
        assert json.loads(stored.attrs["scale"]) == {"g_Kr": 0.25, "g_to": 2.0}
        last = stored["APD90"].values[0]
        columns = [title.strip() for title in lines[0].replace("]", "],").split(",")]
        printed = float(lines[1].split()[columns.index("APD90 [ms]")])
        assert abs(printed - last[np.isfinite(last)][-1]) < 0.1


def test_simulate_without_a_file_prints_only_the_table(run) -> None:
    code, out, err = run("simulate", "tnnp2004:epi", "--duration", "1000")
    assert (code, err) == (0, "") and len(out.splitlines()) == 2


def test_simulate_prints_a_restitution(run) -> None:
    code, out, err = run("simulate", "tnnp2004", "--cycle-lengths", "600", "--s2", "350:450:50")
    assert (code, err) == (0, "")
    title, *lines = out.splitlines()
    assert title.split() == ["CL", "[ms]", "S2", "[ms]", "DI", "[ms]", "APD90", "[ms]"]
    numbers = np.array([line.split() for line in lines], dtype=float)
    assert numbers[:, 1].tolist() == [350, 400, 450]
    assert np.all(np.diff(numbers[:, 2]) > 0) and np.all(np.diff(numbers[:, 3]) > 0)


def test_simulate_measures_a_cell_that_beats_by_itself_by_its_own_beats(run) -> None:
    code, out, err = run("simulate", "noble1962", "--duration", "3000")
    assert (code, err) == (0, "")
    title, line = out.splitlines()
    assert "Ca_i" not in title and float(line.split()[0]) == pytest.approx(565, abs=5)


def test_learn_stores_the_shipped_network(run, tmp_path: Path) -> None:
    code, out, _ = run("learn", "tnnp2004:M", "--out", tmp_path / "net.safetensors")
    assert code == 0 and "tnnp2004, seed 0" in out and "CL 350 ms: APD90" in out
    network = Network.load(tmp_path / "net.safetensors")
    assert network.model_hash == load_model("tnnp2004:M").hash


def test_learn_tells_of_spikes_where_a_cell_fires(run, tmp_path: Path) -> None:
    code, out, _ = run("learn", "pospischil2008:FS", "--out", tmp_path / "net.safetensors")
    assert code == 0 and "-2 A/F: 13 spikes against 13, time " in out and "CL" not in out


def test_a_network_of_a_file_names_the_file_on_its_card(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, net = tmp_path / "my cell.mmt", tmp_path / "net.safetensors"
    load_model("hh1952").save(file)
    quick = Stage1(step_mV=2.0, adam_updates=200, lbfgs_updates=300)
    monkeypatch.setattr(iw, "learn", partial(gnn.learn, settings=quick), raising=False)
    code, out, _ = run("learn", file, "--checkpoint", tmp_path / "run.safetensors", "--out", net)
    assert code == 0 and "1 spikes against 1" in out
    card = Network.load(net).card
    assert card["command"] == "ionwidgets learn 'my cell.mmt' --fresh --seed 0 --out 'my cell.safetensors'"
    assert (tmp_path / "run.safetensors").exists()


def test_learn_refuses_what_a_network_cannot_see(run, tmp_path: Path) -> None:
    net = tmp_path / "net.safetensors"
    assert "no cytosolic calcium" in one_line(run("learn", "hh1952", "--observables", "V,Ca_i", "--out", net))
    assert "observables must be" in one_line(run("learn", "br1977", "--observables", "K_i", "--out", net))
    assert not net.exists()


def test_inspect_says_what_is_in_a_recording(run) -> None:
    code, out, err = run("inspect", LONGQT)
    assert (code, err) == (0, "")
    assert "longqt.csv: 6 cells" in out and "sampled every 1 ms" in out
    assert "V in mV" in out and "Ca_i in mM" in out
    assert "cell 0: 4999 ms, cycle length 400 ms" in out and "APD90" in out


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        (
            "hipsc_patch_optical_lei2017/current-clamp/170120-cell-5-middle.csv.gz", [],
            ["sampled every 0.04 ms", "V in mV", "1999.96 ms, cycle length not known, 2 beats"],
        ),
        (
            "hipsc_patch_optical_lei2017/optical_baseline_GroupI/Well10Recording19.csv",
            ["--columns", "time=0,V=1", "--units", "time=s,V=a.u."],
            ["sampled every 0.1 ms", "V in a.u.", "650 ms, cycle length not known, 1 beat,"],
        ),
        (
            "hipsc_paced_clark2022/042721_4_quinine_pre-drug_paced.csv", [],
            ["sampled every 0.1 ms", "V in mV", "549.9 ms, cycle length not known, 1 beat,"],
        ),
        (
            "hipsc_paced_clark2022/042721_4_quinine_pre-drug_paced.csv",
            ["--columns", "time=1,V=Voltage (V)", "--units", "time=s,V=V"],
            ["sampled every 0.1 ms", "V in mV", "-76.92 to 30.92 mV"],
        ),
    ],
)  # fmt: skip
def test_inspect_reads_real_recordings(
    run, shared_data: Path, name: str, options: list[str], said: list[str]
) -> None:
    code, out, err = run("inspect", shared_data / name, *options)
    assert (code, err) == (0, "")
    assert [word for word in said if word not in out] == []


def test_every_real_recording_is_read_or_refused_in_one_line(run, shared_data: Path) -> None:
    files = sorted(file for file in shared_data.rglob("*.csv*"))
    assert len(files) > 8
    for file in files:
        code, out, err = run("inspect", file)
        if code == 0:
            assert "sampled every" in out and err == ""
        else:
            assert file.name in one_line((code, out, err))
        one_line(run("discover", file, "--model", "tnnp2004:M", "--json", "-"))


# ---- what is refused ----


def test_an_unknown_model_lists_near_matches(run) -> None:
    for command in (["simulate", "tnp2004"], ["discover", LONGQT, "--model", "tnp2004", "--json", "-"]):
        err = one_line(run(*command))
        assert "'tnp2004'" in err and "tnnp2004" in err.replace("'tnp2004'", "")
    assert "epi" in one_line(run("simulate", "tnnp2004:epicard"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [HEADER.replace("V [mV]", "current [pA]"), *lines[1:]], [":1", "'V'"]),
        (lambda lines: [*lines[:9], "400,8,nan,1e-4", *lines[10:]], [":10", "V"]),
        (lambda lines: [*lines[:9], "400,,-80,1e-4", *lines[10:]], [":10", "time"]),
        (lambda lines: [*lines[:9], "400,3,-80,1e-4", *lines[10:]], [":10", "time"]),
        (lambda lines: [*lines[:9], "400,8,high,1e-4", *lines[10:]], [":10", "V", "high"]),
        (lambda lines: ["Dear colleague,", "here is the recording", "of the cell"], []),
        (lambda lines: lines[:1], []),
        (lambda lines: [], []),
    ],
    ids=["missing column", "NaN", "no time", "backwards", "text in a cell", "a letter", "no rows", "empty"],
)  # fmt: skip
@pytest.mark.parametrize("command", ["inspect", "discover"])
def test_a_wrong_table_is_refused_with_its_place(run, tmp_path: Path, command: str, change, said) -> None:
    path = tmp_path / "cell7.csv"
    path.write_text("".join(f"{line}\n" for line in change([HEADER, *rows()])), encoding="utf-8")
    options = ["--model", "tnnp2004:M", "--json", "-"] if command == "discover" else []
    err = one_line(run(command, path, *options))
    assert err.startswith("ionwidgets: cell7.csv")
    assert [word for word in said if word not in err] == [], err


def test_a_table_without_beats_is_refused(run, tmp_path: Path) -> None:
    path = recording_of(tmp_path / "cell7.csv", [f"400,{i},-80,1e-4" for i in range(900)])
    err = one_line(run("discover", path, "--model", "tnnp2004:M", "--json", "-"))
    assert "no action potentials" in err


def test_files_that_are_not_there_or_not_for_us(run, tmp_path: Path) -> None:
    missing = tmp_path / "missing.csv"
    assert "missing.csv" in one_line(run("inspect", missing))
    assert "missing.csv" in one_line(run("discover", missing, "--model", "tnnp2004"))
    one_line(run("inspect", tmp_path))
    (tmp_path / "photo.csv").write_bytes(bytes(range(256)) * 40)
    assert "photo.csv" in one_line(run("inspect", tmp_path / "photo.csv"))
    err = one_line(run("discover", LONGQT, "--model", "tnnp2004", "--network", tmp_path / "none.safetensors"))
    assert "none.safetensors" in err
    err = one_line(run("discover", LONGQT, "--model", "tnnp2004", "--network", LONGQT))
    assert "cannot be read as a network" in err
    (tmp_path / "broken.mmt").write_text("[[model]]\nfoo\n", encoding="utf-8")
    assert "broken.mmt" in one_line(run("simulate", tmp_path / "broken.mmt"))


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("simulate tnnp2004 --scale g_Kr", "expected NAME=FACTOR"),
        ("simulate tnnp2004 --scale g_Kr=much", "'much' is not a number"),
        ("simulate tnnp2004 --scale g_Krr=0.5", "g_Kr"),
        ("simulate tnnp2004 --scale g_Kr=-1", "scale of g_Kr"),
        ("simulate tnnp2004 --cycle-lengths 400;500", "is not a number"),
        ("simulate tnnp2004 --cycle-lengths 800:300:5", "START:STOP:STEP"),
        ("simulate tnnp2004 --cycle-lengths 300:800:0", "START:STOP:STEP"),
        ("simulate tnnp2004 --cycle-lengths 1:1e9:1", "too many"),
        ("simulate tnnp2004 --cycle-lengths 0.5", "longer than the stimulus"),
        ("simulate tnnp2004 --s2 300:x", "--s2 300:x: 'x' is not a number"),
        ("simulate tnnp2004 --s2 0.5", "longer than the stimulus"),
        ("simulate tnnp2004 --s2 300 --cycle-lengths 500,600", "one number to --cycle-lengths"),
        ("simulate tnnp2004 --s2 300 --duration 500", "leave --duration out"),
        ("simulate tnnp2004 --duration -5", "duration"),
        ("simulate tnnp2004 --duration soon", "duration"),
        ("simulate tnnp2004 --sample 0", "sample"),
        ("simulate", "Missing argument"),
        ("fly", "fly"),
        ("models --fast", "--fast"),
        ("learn tnnp2004", "--out"),
        ("discover {} --model tnnp2004 --predict-cl 450,x", "'x' is not a number"),
        ("discover {} --model tnnp2004 --predict-cl -450", "above 0"),
        ("discover {} --model tnnp2004 --stimulus 52", "AMPLITUDE,DURATION"),
        ("discover {} --model tnnp2004 --stimulus -52,0", "positive duration"),
        ("discover {} --model tnnp2004 --eta 0", "eta must lie"),
        ("discover {} --model tnnp2004 --decoder magic", "unknown decoder 'magic'"),
        ("discover {} --model tnnp2004 --baselines simplex", "least-squares, cma-es; found 'simplex'"),
        ("discover {} --model tnnp2004 --paced-for -1", "paced_for"),
        ("discover {} --model tnnp2004 --predict-cl 450 --duration 0", "positive duration"),
        ("discover {} --model tnnp2004 --columns time", "time"),
        ("discover {} --model tnnp2004 --conditions K_o", "expected NAME=VALUE, such as K_o=4"),
        ("discover {} --model tnnp2004 --conditions Ko=4", "unknown constant of tnnp2004:M 'Ko'"),
        ("discover {} --model tnnp2004 --leak 0.1", "expected G,E in nS/pF and mV"),
        ("discover {} --model tnnp2004 --junction-potential 99", "at most 50 either way"),
        ("discover {} --model tnnp2004 --cycle-length 1,2,3", "MS,MS where the control"),
        ("discover {} --model tnnp2004 --cycle-length 500", "the file gives the cycle length"),
        ("discover {} --model tnnp2004 --units V=parsec", "parsec"),
    ],
)
def test_wrong_arguments_are_one_line(run, command: str, said: str) -> None:
    words = [LONGQT if word == "{}" else word for word in command.split()]
    err = one_line(run(*words)).removeprefix("ionwidgets: ")
    assert said in err


def test_files_that_cannot_be_written_are_refused_before_the_work(run, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "file"
    one_line(run("simulate", "tnnp2004", "--duration", "100", "--out", nowhere))
    for path in (nowhere, tmp_path):
        assert str(path) in one_line(run("learn", "tnnp2004", "--out", path))
        assert str(path) in one_line(run("discover", LONGQT, "--model", "tnnp2004", "--json", path))
        for option in ("--export", "--report"):
            assert str(path) in one_line(run("discover", LONGQT, "--model", "tnnp2004", option, path))
    closed = tmp_path / "taken.txt"
    closed.write_text("", encoding="utf-8")
    err = one_line(run("learn", "tnnp2004", "--out", closed / "net.safetensors"))
    assert "taken.txt" in err


def test_help_and_a_fault_of_ours(run, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    assert all(name in out for name in ("models", "simulate", "learn", "inspect", "discover", "dashboard"))

    def broken(path: object, **options: object) -> None:
        raise ZeroDivisionError("what?")

    monkeypatch.setattr("ionwidgets.read_recording", broken)
    code, out, err = run("inspect", LONGQT)
    assert (code, out) == (1, "") and "a fault of ionwidgets, not yours: ZeroDivisionError: what?" in err


def test_the_recordings_that_the_tests_use_are_whole() -> None:
    recording = read_recording(LONGQT)
    assert list(recording["cycle_length"].values) == [400, 500, 600, 650, 750, 800]
    assert recording.sizes["time"] == 5000


@pytest.mark.parametrize("minutes", ["-1", "nan", "inf"])
def test_a_time_that_is_none_is_refused_before_anything_is_served(run, minutes: str) -> None:
    assert one_line(run("dashboard", "--no-browser", "--cull", minutes)).startswith("ionwidgets: --cull")
