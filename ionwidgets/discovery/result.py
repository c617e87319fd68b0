"""`Result`: what was found in a recording, as numbers, curves, traces and files. Plain arrays: no torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from ionwidgets.discovery.change import OF_CURVES, Change, gate_curves, scales
from ionwidgets.discovery.export import described_model
from ionwidgets.discovery.listed import FIELDS
from ionwidgets.discovery.shown_traces import SOURCES
from ionwidgets.errors import IonWidgetsError
from ionwidgets.models import IonicModel
from ionwidgets.models.edit import edited
from ionwidgets.models.save import check_suffix
from ionwidgets.models.surroundings import without_leak
from ionwidgets.simulation import simulate, voltage_grid

GATES = ("found", "network")  # whose an exported model has


@dataclass(frozen=True)
class Result:
    """What was found.

    finding: the JSON document `ionwidgets/finding/1`. changes: what was found, by change, in its own terms
    (ln s, mV, ln ratio). h_inf, tau (2, G, V): the network's curves over `voltage_grid()` before and after
    stage 2. scales: the network's scale of every current. traces: currents (2, currents, N) rebuilt from the
    network's gates along each recorded beat, and its time, V and cycle length. paced: V and Ca_i of the last
    periods of the model at the longest recorded cycle length, a cell each by `source`: "control", "found"
    (with the changes), "neural ODE" (with the network's gates and scales); what does not run is missing.
    stimulus: (amplitude [A/F], duration [ms]) of the recording; the model's where None. baseline: the scales
    by current that make the published model that of the control recording, which `model` then is. What
    finding["conditions"] says of the recording is in `model`, leak included, and off the recording's V.
    """

    model: IonicModel
    recording: xr.Dataset
    finding: dict[str, Any]
    changes: dict[Change, float]
    h_inf: NDArray
    tau: NDArray
    scales: dict[str, float]
    traces: tuple[xr.Dataset, ...]
    paced: xr.Dataset
    stimulus: tuple[float, float] | None = None
    baseline: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """ "changed", "unchanged" or "unexplained"."""
        return str(self.finding["verdict"])

    @property
    def findings(self) -> pd.DataFrame:
        """Currents and gates, the one that explains most first.

        Columns: kind, current, parameter, scale, ci_low, ci_high (95 %), importance, rank; for gates
        `parameter` is the gate, and v_half_shift_mV, slope_ratio and tau_ratio are filled instead, each with
        its interval (v_half_ci_low, slope_ci_low, tau_ci_low, ..._high).
        """
        rows = []
        for entry in self.finding["currents"]:
            low, high = entry["ci95"] or (None, None)
            rows.append(
                {"kind": "current", "current": entry["current"], "parameter": entry["parameter"],
                 "scale": entry["scale"], "ci_low": low, "ci_high": high,
                 "importance": entry["importance"], "rank": entry["rank"]}
            )  # fmt: skip
        for entry in self.finding["gates"]:
            row = {"kind": "gate", "current": entry["current"], "parameter": entry["gate"],
                   "importance": entry["importance"], "rank": entry["rank"]}  # fmt: skip
            for kind in OF_CURVES:
                field, interval = FIELDS[kind]
                row[field] = entry[field]
                row[f"{kind}_ci_low"], row[f"{kind}_ci_high"] = entry[interval] or (None, None)
            rows.append(row)
        return pd.DataFrame(rows).sort_values("rank", ignore_index=True)

    def gates(self) -> xr.Dataset:
        """The network's h_inf and tau [ms] over V [mV], before ("control") and after ("altered") stage 2.

        `visited` tells which potentials the recording reached: elsewhere the curves are not informed by it.
        """
        V = voltage_grid()
        reached = [trace["V"].values for trace in self.traces]  # in mV, whatever the recording is in
        low, high = min(V.min() for V in reached), max(V.max() for V in reached)
        dims = ("source", "gate", "V")
        return xr.Dataset(
            {
                "h_inf": (dims, self.h_inf, {"units": "1"}),
                "tau": (dims, self.tau, {"units": "ms"}),
                "visited": ("V", (low <= V) & (high >= V)),
            },
            {"source": list(SOURCES), "gate": list(self.model.gate_names), "V": ("V", V, {"units": "mV"})},
        )

    def currents(self, cycle_length: float | None = None) -> xr.Dataset:
        """Currents [A/F] along one recorded beat, rebuilt with the network's gates, before and after.

        `cycle_length`: the recorded one that is nearest; the longest when left out.
        """
        lengths = np.array([float(trace.attrs["cycle_length"]) for trace in self.traces])
        wanted = lengths.max() if cycle_length is None else cycle_length
        return self.traces[int(np.abs(lengths - wanted).argmin())]

    def neural_ode(
        self,
        cycle_lengths: float | Sequence[float] | None = (450.0, 700.0),
        duration: float | None = 20_000.0,
        **options: Any,
    ) -> xr.Dataset:
        """The model with the retrained network's gates and scales, paced; options as for `simulate`, None and
        None where `protocol` is one of them.

        Of a network that sees Ca_i too it has the curves as drawn, at the Ca_i of the model under clamp.
        """
        names = self.model.gate_names
        gates = {name: (self.h_inf[1, j], self.tau[1, j]) for j, name in enumerate(names)}
        options.setdefault("stimulus", self.stimulus)
        return simulate(self.model, cycle_lengths, duration, scale=self.scales, gates=gates, **options)

    def simulate(
        self,
        cycle_lengths: float | Sequence[float] | None,
        duration: float | None = 20_000.0,
        **options: Any,
    ) -> xr.Dataset:
        """The model with the changes that were found (fine-tuned), paced; options as for `simulate`, None and
        None where `protocol` is one of them."""
        V = voltage_grid()
        curves = gate_curves(self.model.gate_curves(V), self.changes, V)
        options.setdefault("stimulus", self.stimulus)
        return simulate(
            self.model, cycle_lengths, duration, scale=scales(self.changes), gates=curves, **options
        )

    def restitution(
        self, cycle_lengths: Sequence[float] | None = None, duration: float = 20_000.0
    ) -> pd.DataFrame:
        """APD90 [ms] against cycle length [ms], a row each: source, cycle_length, APD90, capture.

        Sources: "recording", at its own cycle lengths; "control", "found" (with the changes, where there are
        any) and "neural ODE", paced for `duration` [ms] at `cycle_lengths` (somewhat beyond those recorded
        when left out), the mean of the last 5 s; NaN where the cell follows
        neither 1:1 nor with alternans (`capture`). A cell without a stimulus has but its recording.
        """
        from ionwidgets.discovery.restitution import around, restitution_of

        if cycle_lengths is None:
            cycle_lengths = around([float(trace.attrs["cycle_length"]) for trace in self.traces])
        return restitution_of(self, cycle_lengths, duration)

    def altered_model(self) -> IonicModel:
        """The model with the changes that were found written into its equations.

        It is that of the cell under the conditions of the recording; a leak of the seal is not in it.

        Raises
        ------
        IonWidgetsError : nothing was found, because the model does not explain the recording.
        """
        if self.verdict == "unexplained":
            raise IonWidgetsError(
                f"{self.model.key} does not explain this recording, so there is no altered model to write"
            )
        shifts = {c.target: v for c, v in self.changes.items() if c.kind == "v_half"}
        slopes, ratios = (
            {c.target: float(np.exp(v)) for c, v in self.changes.items() if c.kind == kind}
            for kind in ("slope", "tau")
        )
        return edited(without_leak(self.model), scales(self.changes), shifts, ratios, slopes)

    def export(self, path: str | Path, gates: str = "found") -> None:
        """Write the altered model: `.mmt` (Myokit), `.cellml`, or `.model` (EasyML, openCARP), by the suffix.

        The stimulus is that of the recording. The file's description says what was changed, by how much, from
        which recording. The equations of a changed gate are the model's own with V shifted, and stretched
        about V_half, and tau multiplied, exactly.

        Parameters
        ----------
        gates : "found", the changes that were found; "network", the retrained network's gates and scales (as
            `neural_ode` has them), the curves fitted by formulae, each with its error in the description.

        Raises
        ------
        IonWidgetsError : an unknown suffix or source of gates, `path` cannot be written, or the model does
            not explain the recording (of "found").
        """
        if gates not in GATES:
            raise IonWidgetsError(f"gates come from {' or '.join(GATES)}; found {gates!r}")
        check_suffix(Path(path))
        if gates == "network":
            from ionwidgets.discovery.network_model import network_model  # brings scipy.optimize

            network_model(self).save(path)
        else:
            described_model(self).save(path)

    def report(self, path: str | Path) -> None:
        """Write the finding as one HTML page for a reader: words, tables and figures, needing nothing else.

        Raises
        ------
        IonWidgetsError : `path` cannot be written.
        """
        from ionwidgets.discovery.report import write_report  # brings plotly

        write_report(self, path)

    def to_csv(self, folder: str | Path, duration: float = 20_000.0) -> Result:
        """Write CSV files, units in their headers, into a folder, which is made where there is none.

        findings.csv: as `findings`; gates.csv: as `gates`, every 0.5 mV; currents.csv: `currents` along each
        recorded beat; traces.csv: `paced`, V and Ca_i by source; prediction_450.csv and so on: the found
        model at each predicted cycle length, the last 5 s of `duration` [ms] of pacing, which should be that
        of `discover`. Every file replaces an old one whole.

        Returns
        -------
        This result, with the predictions' files named in its finding (``trace_csv``).

        Raises
        ------
        IonWidgetsError : a file is in the folder's place, or it cannot be written.
        """
        from ionwidgets.discovery.csv_folder import write_csv  # which only this needs

        return write_csv(self, folder, duration)

    def to_json(self) -> str:
        """The finding as JSON text, schema ``ionwidgets/finding/1``; unknown is null, never NaN."""
        return json.dumps(self.finding, indent=1, allow_nan=False)

    def save(self, path: str | Path) -> None:
        """Write everything but the recording as one safetensors file, for `load_result`.

        Raises
        ------
        IonWidgetsError : `path` cannot be written.
        """
        from ionwidgets.discovery.result_file import save_result

        save_result(self, path)
