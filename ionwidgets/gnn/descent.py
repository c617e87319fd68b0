"""Down a loss: Adam brings the weights near, L-BFGS (all data, float64) finishes.

The work goes in chunks of updates whose ends do not depend on who interrupts it; between two chunks the state
can be taken and put back, and from there on every bit is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

CHUNK = 100  # updates; TNNP takes 0.2 s
LOST = 1e6  # times the first loss; no training comes back from there
_SCRATCH = "al"  # of L-BFGS, which fills it before it reads it


@dataclass(frozen=True)
class Stage1:
    """The settings of stage 1; `calcium_levels` and `clamp_step_mV` are of networks that see Ca_i."""

    step_mV: float = 0.5
    tau_floor_ms: float = 0.02
    adam_updates: int = 500
    adam_rate: float = 3e-3
    lbfgs_updates: int = 5000
    lbfgs_history: int = 50
    weight_h_inf: float = 30.0
    weight_logit: float = 0.03
    calcium_levels: int = 5
    clamp_step_mV: float = 2.0


class State(NamedTuple):
    """All that a descent needs to go on."""

    tensors: dict[str, torch.Tensor]
    numbers: dict[str, Any]


class Diverged(Exception):
    """The loss is no number, or has left all bounds."""


class Descent:
    """`advance` until `finished`; `done` counts evaluations of the loss, `most` at most."""

    def __init__(self, module: nn.Module, loss: Callable[[], torch.Tensor], settings: Stage1) -> None:
        self.module, self.loss, self.settings = module, loss, settings
        self.most = settings.adam_updates + settings.lbfgs_updates
        self.done, self.first = 0, float("nan")
        self.finished = self.most == 0
        self.optimizer = self._optimizer()

    def advance(self, tell: Callable[[int, float], None]) -> None:
        """One chunk; `tell(done, loss)` hears of every evaluation.

        Raises
        ------
        Diverged : the state is spoilt, that before the chunk was the last good one.
        """
        if isinstance(self.optimizer, torch.optim.Adam):
            for _ in range(min(CHUNK, self.settings.adam_updates - self.done)):
                self._evaluate(tell)
                self.optimizer.step()
            if self.done == self.settings.adam_updates:
                self.optimizer = self._optimizer()
        else:
            self.optimizer.param_groups[0]["max_eval"] = self.most - self.done
            before = self._iterations()
            self.optimizer.step(lambda: self._evaluate(tell))
            self.finished = self._iterations() < before + CHUNK  # it has stopped by itself
        self.finished = self.finished or self.done >= self.most

    def state(self) -> State:
        """A copy of where the descent is; call it between chunks."""
        tensors = {f"module.{name}": w.clone() for name, w in self.module.state_dict().items()}
        numbers: dict[str, Any] = {"done": self.done, "first": self.first, "finished": self.finished}
        for place, values in self.optimizer.state_dict()["state"].items():
            for key, value in values.items():
                name = f"optimizer.{place}.{key}"
                if isinstance(value, torch.Tensor):
                    tensors[name] = value.clone()
                elif not isinstance(value, list):
                    numbers[name] = value
                elif key != _SCRATCH:
                    tensors[f"{name}.list"] = torch.stack(value) if value else torch.zeros(0)
        return State(tensors, numbers)

    def restore(self, state: State) -> None:
        """Go on from what `state` returned once.

        Raises
        ------
        KeyError, ValueError, TypeError, RuntimeError : it is none of a descent like this one.
        """
        about = state.numbers
        self.done, self.first, self.finished = int(about["done"]), float(about["first"]), about["finished"]
        self.module.load_state_dict(
            {name[len("module.") :]: w for name, w in state.tensors.items() if name.startswith("module.")}
        )
        self.optimizer = self._optimizer()
        kept: dict[int, dict[str, Any]] = {}
        for name, value in (*state.tensors.items(), *about.items()):
            if name.startswith("optimizer."):
                _, place, key, *is_list = name.split(".")
                kept.setdefault(int(place), {})[key] = list(value) if is_list else value
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": kept, "param_groups": groups})

    def _optimizer(self) -> torch.optim.Optimizer:
        if self.done < self.settings.adam_updates:
            return torch.optim.Adam(self.module.parameters(), lr=self.settings.adam_rate)
        return torch.optim.LBFGS(
            self.module.parameters(),
            max_iter=CHUNK,
            history_size=self.settings.lbfgs_history,
            line_search_fn="strong_wolfe",
            tolerance_grad=1e-12,
            tolerance_change=1e-14,
        )

    def _iterations(self) -> int:
        state = self.optimizer.state[next(self.module.parameters())]
        return int(state.get("n_iter", 0))

    def _evaluate(self, tell: Callable[[int, float], None]) -> float:
        self.optimizer.zero_grad()
        loss = self.loss()
        value = float(loss.item())
        if self.done == 0:
            self.first = value
        if not value <= LOST * self.first:  # nor is it when it is no number
            raise Diverged(f"diverged after {self.done} updates, where the loss is {value:g}")
        loss.backward()
        self.done += 1
        tell(self.done, value)
        return value
