"""The gating layer: its formulas, the fused pass against the plain one, and its speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from ionwidgets.gnn import GatingLayer, gating_scan
from ionwidgets.gnn import fused as fused_module
from ionwidgets.gnn.layer import log_softplus


def make(F: int, G: int, dtype: torch.dtype = torch.float64) -> GatingLayer:
    torch.manual_seed(3)
    return GatingLayer(F, G).to(dtype)


def plain(layer: GatingLayer, p: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    return gating_scan(layer.rho(p), layer.h_inf(p), h0)


def gradients(run, layer, p, h0, weight):
    leaves = [p.detach().clone().requires_grad_(), h0.detach().clone().requires_grad_(), *layer.parameters()]
    return torch.autograd.grad(run(layer, leaves[0], leaves[1]), leaves, weight)


def test_formulas():
    layer = make(4, 3)
    p = torch.randn(7, 2, 4, dtype=torch.float64)
    x = p.numpy() @ layer.decay.weight.detach().numpy().T + layer.decay.bias.detach().numpy()
    y = p.numpy() @ layer.steady.weight.detach().numpy().T + layer.steady.bias.detach().numpy()
    rate = np.log1p(np.exp(-x))
    np.testing.assert_allclose(layer.h_inf(p).detach(), 1 / (1 + np.exp(-y)), rtol=1e-13)
    np.testing.assert_allclose(layer.rho(p).detach(), np.exp(-rate), rtol=1e-13)
    np.testing.assert_allclose(layer.log_rate(p).detach(), np.log(rate), rtol=1e-12, atol=1e-13)


def test_the_rate_and_rho_are_one_quantity():
    layer = make(2, 3)
    p = torch.linspace(-10, 10, 50, dtype=torch.float64)[:, None].expand(50, 2)
    torch.testing.assert_close(torch.exp(-layer.log_rate(p).exp()), layer.rho(p), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_log_softplus_from_tiny_to_huge(dtype):
    x = torch.cat(
        [torch.linspace(-1000, 1000, 2001), torch.linspace(-21, -19, 201), torch.tensor([-1e6, 1e6])]
    )
    x = x.to(dtype).requires_grad_()
    y = log_softplus(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    # In long double, where log1p(exp(x)) does not underflow before x = -11000.
    z = np.clip(x.detach().double().numpy(), -11000, None).astype(np.longdouble)
    rate = np.where(z > 100, z, np.log1p(np.exp(np.minimum(z, 100))))
    expected = np.log(rate)
    expected[x.detach().numpy() < -11000] = x.detach().numpy()[x.detach().numpy() < -11000]
    epsilon = torch.finfo(dtype).eps
    np.testing.assert_allclose(
        y.detach().double(), expected.astype(float), rtol=4 * epsilon, atol=4 * epsilon
    )
    expected_slope = 1 / (1 + np.exp(-z)) / rate
    np.testing.assert_allclose(slope.double(), expected_slope.astype(float), rtol=20 * epsilon)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (40, 3, 5, 10), (0, 2, 3, 4), (6, 0, 3, 4), (50, 7, 32, 9)])
@pytest.mark.parametrize("block", [1, 4096, 1 << 20])
def test_the_fused_pass_equals_the_plain_one(monkeypatch, shape, block):
    monkeypatch.setattr(fused_module, "BLOCK", block)
    T, B, F, G = shape
    layer = make(F, G)
    p = torch.randn(T, B, F, dtype=torch.float64)
    h0 = torch.rand(B, G, dtype=torch.float64)
    weight = torch.randn(T, B, G, dtype=torch.float64)
    torch.testing.assert_close(layer(p, h0), plain(layer, p, h0), rtol=1e-12, atol=1e-13)
    ours = gradients(lambda layer, p, h0: layer(p, h0), layer, p, h0, weight)
    for a, b in zip(ours, gradients(plain, layer, p, h0, weight), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


def test_gradcheck(monkeypatch):
    monkeypatch.setattr(fused_module, "BLOCK", 200)
    layer = make(4, 3)
    p = torch.randn(6, 2, 4, dtype=torch.float64, requires_grad=True)
    h0 = torch.rand(2, 3, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def run(p, h0, *parameters):
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), (p, h0))

    assert torch.autograd.gradcheck(run, (p, h0, *layer.parameters()))


def test_float32_gradients_agree_with_float64():
    double = make(12, 10)
    single = make(12, 10, torch.float32)
    single.load_state_dict(double.state_dict())
    p, h0, weight = torch.randn(2000, 5, 12), torch.rand(5, 10), torch.rand(2000, 5, 10)
    a = gradients(lambda layer, p, h0: layer(p, h0), single, p, h0, weight)
    double.load_state_dict(single.state_dict())
    b = gradients(lambda layer, p, h0: layer(p, h0), double, p.double(), h0.double(), weight.double())
    for x, y in zip(a, b, strict=True):
        assert x.dtype == torch.float32
        assert (x.double() - y).abs().max() <= 2e-5 * y.abs().max()


def test_frozen_features_and_frozen_weights():
    layer = make(4, 3)
    p = torch.randn(8, 2, 4, dtype=torch.float64)
    h0 = torch.rand(2, 3, dtype=torch.float64)
    layer.steady.requires_grad_(False)
    layer(p, h0).sum().backward()
    assert layer.steady.weight.grad is None
    ours = layer.decay.weight.grad.clone()
    layer.zero_grad()
    plain(layer, p, h0).sum().backward()
    torch.testing.assert_close(ours, layer.decay.weight.grad)


def test_features_in_any_memory_order():
    layer = make(4, 3)
    p = torch.randn(4, 2, 8, dtype=torch.float64).permute(2, 1, 0)
    h0 = torch.rand(1, 3, dtype=torch.float64).expand(2, 3)
    torch.testing.assert_close(layer(p, h0), plain(layer, p, h0))


def test_concurrent_training_agrees_with_serial():
    jobs = [(make(10, 10), torch.randn(400, 6, 10, dtype=torch.float64) + i) for i in range(4)]
    h0, weight = torch.rand(6, 10, dtype=torch.float64), torch.rand(400, 6, 10, dtype=torch.float64)

    def run(layer, p):
        return gradients(lambda layer, p, h0: layer(p, h0), layer, p, h0, weight)

    serial = [run(*job) for job in jobs]
    results = {}
    together = threading.Barrier(len(jobs))

    def work(i: int) -> None:
        together.wait(30)
        for _ in range(5):
            results[i] = run(*jobs[i])

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == len(jobs)
    for i, expected in enumerate(serial):
        for a, b in zip(results[i], expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("cells", "threads"), [(7, 2), (7, 3), (1, 2), (2, 4)])
def test_shares_of_cells_add_up(monkeypatch, cells, threads):
    layer, p = make(10, 10), torch.randn(900, cells, 10, dtype=torch.float64)
    h0, weight = torch.rand(cells, 10, dtype=torch.float64), torch.rand(900, cells, 10, dtype=torch.float64)

    def run():
        return layer(p, h0), gradients(lambda layer, p, h0: layer(p, h0), layer, p, h0, weight)

    given = torch.get_num_threads()
    torch.set_num_threads(1)
    h, expected = run()
    monkeypatch.setattr(fused_module, "SMALLEST_SHARE", 1)
    torch.set_num_threads(threads)
    try:
        shared, grads = run()
        again, same = run()
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(given)
    torch.testing.assert_close(shared, h, rtol=0, atol=1e-15)
    for a, b in zip(grads, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
    assert torch.equal(shared, again) and all(torch.equal(a, b) for a, b in zip(grads, same, strict=True))


def test_other_devices_take_the_plain_path():
    layer = make(4, 3).to("meta")
    h = layer(torch.empty(5, 2, 4, dtype=torch.float64, device="meta"), torch.empty(2, 3).double().to("meta"))
    assert h.shape == (5, 2, 3)


def test_wrong_shapes_and_dtypes_are_named():
    layer = make(4, 3, torch.float32)
    p, h0 = torch.zeros(5, 2, 4), torch.zeros(2, 3)
    with pytest.raises(ValueError, match=r"p \(T, B, 4\) and h0 \(B, 3\); found p \(5, 2, 3\), h0 \(2, 3\)"):
        layer(p[..., :3], h0)
    with pytest.raises(ValueError, match=r"found p \(5, 2, 4\), h0 \(3, 3\)"):
        layer(p, torch.zeros(3, 3))
    with pytest.raises(TypeError, match=r"p torch\.float64, h0 torch\.float32, weights torch\.float32"):
        layer(p.double(), h0)


@pytest.mark.slow
def test_twenty_times_faster_than_a_gru_of_equal_width(capsys):
    T, B, G = 10_000, 100, 10
    p, weight = torch.rand(T, B, G, requires_grad=True), torch.rand(T, B, G)
    h0 = torch.rand(B, G, requires_grad=True)
    layer, gru = GatingLayer(G, G), nn.GRU(G, G)

    def seconds(module: nn.Module, forward: Callable[[], torch.Tensor]) -> float:
        for x in (*module.parameters(), p, h0):
            x.grad = None
        start = time.perf_counter()
        forward().backward(weight)
        return time.perf_counter() - start

    seconds(layer, lambda: layer(p, h0))  # compiles
    ratios, ours = [], []
    for _ in range(3):  # turn by turn, so that a busy machine weighs on both alike
        ours.append(float(np.median([seconds(layer, lambda: layer(p, h0)) for _ in range(5)])))
        ratios.append(seconds(gru, lambda: gru(p, h0[None])[0]) / ours[-1])
    with capsys.disabled():
        print(f"\nlayer {min(ours) * 1e3:.0f} ms, GRU over layer", [f"{ratio:.1f}" for ratio in ratios])
    assert max(ratios) > 20
