"""Every number of the published set-up, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paper:
    """The hyper-parameters of Iravanian, arXiv 2011.07388, and what it leaves open (marked *).

    Data: cells paced at `cycle_lengths` for `duration`; the samples of `used` train, `sample` apart [ms].
    Ranges are taken over these and over voltage clamp to `clamp` (from, to, step) [mV], `held` ms each *.
    `validation`: the share of the cells that does not train (every fourth cell *).
    Networks: two layers of `width` features before the gating layer, and before the LSTM.
    Stage 1: `rate` of Adam, `epochs` over the samples with one update a sample, `weight_decay` times the sum
    over tensors of their mean square. Stage 2: the same with `stage2_...`; `etas` are those that were tried.
    Adam's own numbers, first values (Glorot, uniform; forget gates remember: bias 1) and state (0) *.
    """

    cycle_lengths: tuple[float, ...] = tuple(300.0 + 5.0 * i for i in range(101))
    duration: float = 20_000.0
    used: tuple[float, float] = (9_000.0, 19_000.0)
    sample: float = 1.0
    clamp: tuple[float, float, float] = (-100.5, 50.5, 1.0)
    held: float = 2_000.0
    validation: float = 0.25
    width: int = 30
    rate: float = 1e-4
    epochs: int = 3
    weight_decay: float = 1e-4
    stage2_rate: float = 1e-4
    stage2_epochs: int = 3
    stage2_weight_decay: float = 1e-5
    etas: tuple[float, ...] = tuple(round(1e-4 * i, 4) for i in range(1, 21))
    adam: tuple[float, float, float] = (0.9, 0.999, 1e-8)
    forget_bias: float = 1.0
