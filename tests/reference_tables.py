"""The reference tables of tests/reference, with their names in ours: `our_name`, `Table`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "reference"
VARIANTS = ("M", "epi", "endo")

# The tables' source names by component and variable (after the last dot), for what is called otherwise by us.
_RENAMED = {
    "P_kna": "p_KNa",
    "g_bna": "g_bNa",
    "g_bca": "g_bCa",
    "K_mk": "K_mK",
    "K_sat": "k_sat",
    "Km_Ca": "K_mCa",
    "Km_Nai": "K_mNai",
    "V_sr": "V_SR",
    "Buf_sr": "Buf_SR",
    "K_buf_sr": "K_buf_SR",
    "i_rel": "J_rel",
    "i_up": "J_up",
    "i_leak": "J_leak",
    "i_b_Na": "I_bNa",
    "i_b_Ca": "I_bCa",
    "i_p_Ca": "I_pCa",
    "i_p_K": "I_pK",
    "Ca_i_bufc": "beta_c",
    "Ca_sr_bufsr": "beta_SR",
}
# Constants that the source adds to the published model (these values change nothing), and the protocol's.
NEUTRAL = {
    "shift_INa_inact": 0.0,
    "perc_reduced_inact_for_IpNa": 0.0,
    "v0": 0.0,
    "conc_clamp": 1.0,
    "stim_start": 100.0,
    "stim_period": 1000.0,
}
# (inf - x) / tau before the rule that fCa and g only fall while V > -60 mV: a step of the source.
STEPS_OF_SOURCE = {"d_fCa", "d_g"}


def our_name(source_name: str) -> str:
    """The public name behind a table's `source_name` or short name."""
    short = source_name.rpartition(".")[2]
    return _RENAMED.get(short, f"I_{short[2:]}" if short.startswith("i_") else short)


@dataclass(frozen=True)
class Table:
    """One variant's table; `points` carry our names, everything else is as in the file."""

    variant: str
    content: dict[str, Any]

    @property
    def points(self) -> list[dict[str, Any]]:
        return [
            {
                "label": point["label"],
                "state": point["state"],
                "derivatives": point["derivatives"],
                "gates": point["gates"],
                "values": {
                    our_name(name): value
                    for kind in ("currents", "fluxes", "reversal_potentials", "auxiliary")
                    for name, value in point[kind].items()
                    if our_name(name) not in STEPS_OF_SOURCE
                },
            }
            for point in self.content["points"]
        ]

    @property
    def one_to_one(self) -> list[dict[str, Any]]:
        """Biomarker rows of the cycle lengths that the cell follows beat by beat."""
        return [row for row in self.content["biomarkers"] if row["capture"] == "1:1"]


def table(variant: str) -> Table:
    """The TNNP 2004 table of a variant."""
    return Table(variant, json.loads((FOLDER / f"tnnp2004-{variant}.json").read_text(encoding="utf-8")))
