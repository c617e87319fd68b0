"""Experimental recordings: reading and checking them, writing them, finding their beats."""

from ionwidgets.recordings.beats import (
    Following,
    estimate_cycle_length,
    find_beats,
    follows_one_to_one,
    stimulus_times,
)
from ionwidgets.recordings.biomarkers import biomarkers
from ionwidgets.recordings.capture import capture
from ionwidgets.recordings.read import read_recording
from ionwidgets.recordings.units import parse_columns, parse_units
from ionwidgets.recordings.write import write_recording

__all__ = [
    "Following",
    "biomarkers",
    "capture",
    "estimate_cycle_length",
    "find_beats",
    "follows_one_to_one",
    "parse_columns",
    "parse_units",
    "read_recording",
    "stimulus_times",
    "write_recording",
]
