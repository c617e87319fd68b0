"""A coverage-guided fuzzer (atheris) over everything that happens to a file that a user brings.

python fuzz.py FOLDER RUNS     seeds and findings lie in FOLDER; ends with an error at the first fault

FUZZ_SEED chooses where it begins.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ionwidgets.recordings"]):
    from ionwidgets.recordings import describe, read_recording
    from ionwidgets.recordings.formats import hdf5

from format_examples import EXAMPLES
from recording_files import TIDY, rows, tidy

from ionwidgets.errors import RecordingError

TEXTS = (
    tidy(),
    tidy().replace(",", ";"),
    tidy().replace(",", "\t").replace("\n", "\r\n"),
    "\n".join(f"{i},{-80 + i}" for i in range(30)),
    "time (s);V (V)\n" + "\n".join(f"0,{i:03d};-0,08{i % 10}" for i in range(30)),
    "\n".join(["# cell 7", TIDY, *rows(), *(row.replace("400", "500") for row in rows())]),
    'time,"V",remark\nms,mV,\n' + "\n".join(f'{i},"-80",quiet' for i in range(20)),
)


def main() -> None:
    folder, runs = Path(sys.argv[1]), sys.argv[2]
    seeds = folder / "seeds"
    seeds.mkdir()
    for index, text in enumerate(TEXTS):
        (seeds / f"text{index}").write_text(text, encoding="utf-8")
        (seeds / f"wide{index}").write_text(text, encoding="utf-16")
    for name, made in EXAMPLES.items():
        content = made(folder).read_bytes()
        if not content.startswith(hdf5.SIGNATURE):  # which is read in a process of its own
            (seeds / name.replace(" ", "-")).write_bytes(content[: 2**16])
    warnings.simplefilter("ignore")
    brought = folder / "brought"

    def one(data: bytes) -> None:
        if hdf5.SIGNATURE in data[:4096]:
            return
        brought.write_bytes(data)
        try:
            told = describe.describe(read_recording(brought))
        except RecordingError as error:
            told = str(error)
            assert "\n" not in told and len(told) < 1000, told
        assert told

    flags = [f"-runs={runs}", "-timeout=10", "-rss_limit_mb=1500", "-max_len=65536"]
    flags.append(f"-seed={os.environ.get('FUZZ_SEED', 1)}")
    atheris.Setup([sys.argv[0], *flags, f"-artifact_prefix={folder}/", str(seeds)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
