"""Experimental recordings: reading, checking, mending and writing them, finding their beats."""

from ionwidgets.recordings.beats import beats
from ionwidgets.recordings.biomarkers import biomarkers
from ionwidgets.recordings.calibrate import calibrate
from ionwidgets.recordings.capture import capture
from ionwidgets.recordings.faults import Fault, faults
from ionwidgets.recordings.mend import mend
from ionwidgets.recordings.read import read_recording
from ionwidgets.recordings.resample import resample
from ionwidgets.recordings.units import parse_columns, parse_units
from ionwidgets.recordings.upstrokes import (
    Following,
    estimate_cycle_length,
    find_beats,
    follows_one_to_one,
    stimulus_times,
)
from ionwidgets.recordings.write import write_recording

__all__ = [
    "Fault",
    "Following",
    "beats",
    "biomarkers",
    "calibrate",
    "capture",
    "estimate_cycle_length",
    "faults",
    "find_beats",
    "follows_one_to_one",
    "mend",
    "parse_columns",
    "parse_units",
    "read_recording",
    "resample",
    "stimulus_times",
    "write_recording",
]
