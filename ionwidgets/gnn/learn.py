"""Stage 1: the network learns the gates of a model from voltage clamp.

The gates depend on V alone, so what a clamp to every potential shows is all there is to know: h_inf and tau.
The loss compares h_inf, its logit (so that the small open fractions at rest come out right too) and the
logarithm of the rate 1/tau, tau floored at 0.02 ms, below which no solver can tell:

    L = 100 <(h_inf - h_inf*)^2> + <(ln rate - ln rate*)^2> + 1e-3 <(logit h_inf - logit h_inf*)^2>

Adam brings the weights near, L-BFGS (whole grid, float64) finishes. The action potential is a strict judge:
an error of 0.5 % in h_inf costs 10 to 20 ms of APD90.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ionwidgets._version import __version__
from ionwidgets.errors import SimulationError, TrainingError
from ionwidgets.gnn.network import V_TRAINED, GatingNetwork, Network
from ionwidgets.gnn.threads import one_thread
from ionwidgets.jobs import Control
from ionwidgets.models import IonicModel
from ionwidgets.simulation import simulate, voltage_grid

SHIPPED = Path(__file__).with_name("networks")
TEST_CYCLE_LENGTHS = (350.0, 400.0, 500.0, 650.0, 800.0)  # ms; the measure of stage 1


@dataclass(frozen=True)
class Stage1:
    """The settings of stage 1."""

    step_mV: float = 0.5
    tau_floor_ms: float = 0.02
    adam_updates: int = 500
    adam_rate: float = 3e-3
    lbfgs_updates: int = 3000
    lbfgs_history: int = 50
    weight_h_inf: float = 100.0
    weight_logit: float = 1e-3


def learn(
    model: IonicModel,
    *,
    seed: int = 0,
    progress: Control | None = None,
    fresh: bool = False,
    settings: Stage1 | None = None,
) -> Network:
    """Teach a network the gates of `model`; a shipped network of the same equations is loaded unless `fresh`.

    Returns
    -------
    Network, whose card holds the data, the seed, and how the model with the network's gates compares with
    itself.

    Raises
    ------
    TrainingError : the model has no gate to learn, the loss has left all bounds, or the model does not run
        with the gates that were learnt.
    """
    if not fresh and (shipped := shipped_network(model)) is not None:
        return shipped
    if not model.gate_names:
        raise TrainingError(f"{model.key} has no gate that depends on V alone, so there is nothing to learn")
    if model.stimulus.duration >= min(TEST_CYCLE_LENGTHS):
        raise TrainingError(
            f"{model.key} is stimulated for {model.stimulus.duration:g} ms, and a network is tried at cycle "
            f"lengths from {min(TEST_CYCLE_LENGTHS):g} ms on; use a model of a paced cell"
        )
    settings = settings or Stage1()
    module = _fit(model, seed, progress, settings)
    card = {
        "model": model.name,
        "variant": model.variant,
        "model_hash": model.hash,
        "seed": seed,
        "data": f"voltage clamp from {V_TRAINED[0]:g} to {V_TRAINED[1]:g} mV, every {settings.step_mV:g} mV",
        "settings": asdict(settings),
        "command": f"ionwidgets learn {model.key} --fresh --seed {seed} --out {_shipped_path(model).name}",
        "versions": f"ionwidgets {__version__}, torch {torch.__version__.partition('+')[0]}",
    }
    network = Network(module, model.gate_names, card)
    try:
        card["figures"] = stage1_figures(model, network)
    except SimulationError as error:
        raise TrainingError(
            f"stage 1 of {model.key} ended in gates that the model does not run with (seed {seed}): {error}; "
            "the network before it stays as it was; try another seed"
        ) from None
    return network


def shipped_network(model: IonicModel) -> Network | None:
    """The network that comes with the package for exactly these equations, if there is one."""
    path = _shipped_path(model)
    network = Network.load(path) if path.exists() else None
    return network if network is not None and network.model_hash == model.hash else None


def _shipped_path(model: IonicModel) -> Path:
    return SHIPPED / f"{model.key.replace(':', '-')}.safetensors"


def stage1_figures(model: IonicModel, network: Network) -> dict[str, list[float]]:
    """The measure of stage 1: the ODE with the network's gates against the ODE itself, after 20 s of pacing.

    Lists over `cycle_length_ms`: `apd90_error_ms` (of the last whole beat) and `v_rmse_mV` (of the last 5 s).
    """
    lengths = list(TEST_CYCLE_LENGTHS)
    pace = partial(simulate, model, lengths, 20_000.0, record_from=15_000.0, variables=["V"])
    own, neural = pace(), pace(gates=network.gate_curves(voltage_grid()))
    rmse = np.sqrt(((own["V"] - neural["V"]) ** 2).mean("time"))
    error = [_last(b) - _last(a) for a, b in zip(own["APD90"].values, neural["APD90"].values, strict=True)]
    return {
        "cycle_length_ms": lengths,
        "apd90_error_ms": [round(float(e), 3) for e in error],
        "v_rmse_mV": [round(float(e), 3) for e in rmse],
    }


def _last(values: np.ndarray) -> float:
    whole = values[np.isfinite(values)]
    return float(whole[-1]) if whole.size else float("nan")


@one_thread()
def _fit(model: IonicModel, seed: int, progress: Control | None, settings: Stage1) -> GatingNetwork:
    grid = np.arange(V_TRAINED[0], V_TRAINED[1] + settings.step_mV / 2, settings.step_mV)
    curves = model.gate_curves(grid)
    V = torch.as_tensor(grid).unsqueeze(-1)
    h_inf = torch.as_tensor(np.stack([curves[name][0] for name in model.gate_names], axis=-1))
    tau = np.stack([curves[name][1] for name in model.gate_names], axis=-1)
    log_rate = torch.as_tensor(-np.log(np.maximum(tau, settings.tau_floor_ms)))
    logit = torch.logit(h_inf.clamp(1e-7, 1 - 1e-7))
    generator = torch.random.get_rng_state()
    torch.manual_seed(seed)
    module = GatingNetwork(len(model.gate_names)).double()
    torch.random.set_rng_state(generator)  # a user's own random numbers are none of ours

    def loss() -> torch.Tensor:
        p = module.inputs(V)
        steady = module.gating.steady(p)
        off_h = (torch.sigmoid(steady) - h_inf).square().mean()
        off_rate = (module.gating.log_rate(p) - log_rate).square().mean()
        off_logit = (steady.clamp(-16, 16) - logit).square().mean()
        return settings.weight_h_inf * off_h + off_rate + settings.weight_logit * off_logit

    updates = settings.adam_updates + settings.lbfgs_updates
    done = 0

    def evaluate(optimizer: torch.optim.Optimizer) -> torch.Tensor:
        nonlocal done
        optimizer.zero_grad()
        value = loss()
        if not torch.isfinite(value):
            raise TrainingError(
                f"stage 1 of {model.key} diverged after {done} updates (seed {seed}): "
                f"the loss is {value.item()}; the network before it stays as it was; try another seed"
            )
        value.backward()
        done += 1
        if progress is not None and done % 20 == 0:
            progress.report(
                min(0.99, done / updates), f"Learning {model.key}", loss=value.item(), update=done
            )
        return value

    adam = torch.optim.Adam(module.parameters(), lr=settings.adam_rate)
    for _ in range(settings.adam_updates):
        evaluate(adam)
        adam.step()
    lbfgs = torch.optim.LBFGS(
        module.parameters(),
        max_iter=settings.lbfgs_updates,
        max_eval=settings.lbfgs_updates,
        history_size=settings.lbfgs_history,
        line_search_fn="strong_wolfe",
        tolerance_grad=1e-12,
        tolerance_change=1e-14,
    )
    lbfgs.step(lambda: evaluate(lbfgs))
    return module
