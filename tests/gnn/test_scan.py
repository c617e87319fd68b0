"""The scan against a plain loop in float64, its gradients, and what must hold for any gates."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ionwidgets.gnn import gating_scan
from ionwidgets.gnn.scan import DOUBLING, SMALLEST_SHARE, GatingScan


def random_gates(
    T: int, B: int, G: int, *, dtype: torch.dtype = torch.float64, seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    rho, h_inf = torch.rand(2, T, B, G, generator=generator, dtype=torch.float64)
    h0 = torch.rand(B, G, generator=generator, dtype=torch.float64)
    return rho.to(dtype), h_inf.to(dtype), h0.to(dtype)


def loop(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> np.ndarray:
    h = h0.double().numpy()
    out = np.empty(rho.shape)
    for t in range(len(rho)):
        h = rho[t].double().numpy() * h + (1 - rho[t].double().numpy()) * h_inf[t].double().numpy()
        out[t] = h
    return out


def by_steps(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    """In plain torch operations, which torch differentiates."""
    steps = [h0]
    for rho_t, h_inf_t in zip(rho, h_inf, strict=True):
        steps.append(rho_t * steps[-1] + (1 - rho_t) * h_inf_t)
    return torch.stack(steps[1:]) if steps[1:] else rho.clone()


def gradients(scan, gates: tuple[torch.Tensor, ...], weight: torch.Tensor) -> list[torch.Tensor]:
    leaves = [x.detach().clone().requires_grad_() for x in gates]
    return list(torch.autograd.grad(scan(*leaves), leaves, weight))


def doubled(rho: torch.Tensor, h_inf: torch.Tensor, h0: torch.Tensor) -> torch.Tensor:
    return GatingScan.apply(rho, h_inf, h0, DOUBLING)


@pytest.fixture(params=[gating_scan, doubled], ids=["kernel", "doubling"])
def scan(request):
    """The kernel, and what takes its place on other devices than the CPU."""
    return request.param


SHAPES = [(1, 1, 1), (50, 3, 4), (0, 2, 3), (5, 0, 3), (200, 100, 10), (64, 7, 513)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-14), (torch.float32, 1e-6)])
def test_equals_the_loop(scan, shape, dtype, tolerance):
    gates = random_gates(*shape, dtype=dtype)
    h = scan(*gates)
    assert h.dtype == dtype
    assert h.shape == shape
    np.testing.assert_allclose(h.numpy(), loop(*gates), rtol=0, atol=tolerance)


def test_gradcheck_with_h0(scan):
    gates = [x.requires_grad_() for x in random_gates(9, 2, 3)]
    assert torch.autograd.gradcheck(scan, gates)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape[0] > 0])
def test_gradients_equal_those_of_torch(scan, shape):
    gates = random_gates(*shape)
    weight = torch.rand(shape, dtype=torch.float64)
    for ours, torchs in zip(gradients(scan, gates, weight), gradients(by_steps, gates, weight), strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-12, atol=1e-12)


def test_gradients_in_float32_agree_with_float64():
    gates = random_gates(500, 4, 10, dtype=torch.float32)
    weight = torch.rand(500, 4, 10)
    single = gradients(gating_scan, gates, weight)
    double = gradients(gating_scan, tuple(x.double() for x in gates), weight.double())
    for a, b in zip(single, double, strict=True):
        assert a.dtype == torch.float32
        assert (a.double() - b).abs().max() <= 1e-5 * b.abs().max()


def test_no_samples_pass_no_gradient(scan):
    gates = random_gates(0, 2, 3)
    for grad, x in zip(gradients(scan, gates, torch.zeros(0, 2, 3).double()), gates, strict=True):
        assert torch.equal(grad, torch.zeros_like(x))


def test_gradient_of_a_sum_and_of_one_argument_alone():
    rho, h_inf, h0 = random_gates(20, 2, 3)
    h_inf.requires_grad_()
    gating_scan(rho, h_inf, h0).sum().backward()
    expected = gradients(by_steps, (rho, h_inf, h0), torch.ones_like(rho))[1]
    torch.testing.assert_close(h_inf.grad, expected)


def test_arguments_in_any_memory_order():
    rho, h_inf, h0 = random_gates(30, 4, 5)
    strided = rho.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    assert not strided.is_contiguous()
    h = gating_scan(strided, h_inf[:1].expand(30, 4, 5), h0[:1].expand(4, 5))
    np.testing.assert_allclose(h, loop(rho, h_inf[:1].expand(30, 4, 5), h0[:1].expand(4, 5)), atol=1e-14)


def test_changing_the_result_in_place_before_backward_is_an_error():
    gates = [x.requires_grad_() for x in random_gates(5, 2, 3)]
    h = gating_scan(*gates)
    h.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        h.sum().backward()


gate_arrays = st.tuples(
    st.integers(1, 40), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**31), st.booleans()
).map(lambda a: random_gates(*a[:3], seed=a[3], dtype=torch.float32 if a[4] else torch.float64))
extreme = st.sampled_from([0.0, 1e-30, 1e-7, 0.5, 1 - 1e-7, 1.0])


@settings(deadline=None)
@given(gate_arrays, extreme, extreme)
def test_h_stays_within_0_and_1(gates, some_rho, some_h):
    rho, h_inf, h0 = gates
    rho[::2], h_inf[::3] = some_rho, some_h
    h = gating_scan(rho, h_inf, h0)
    assert h.min() >= 0
    assert h.max() <= 1
    torch.testing.assert_close(doubled(rho, h_inf, h0), h, rtol=0, atol=1e-6)


@settings(deadline=None)
@given(gate_arrays, st.data())
def test_splitting_time_and_carrying_h0_changes_nothing(gates, data):
    rho, h_inf, h0 = gates
    cut = data.draw(st.integers(1, len(rho)))
    first = gating_scan(rho[:cut], h_inf[:cut], h0)
    second = gating_scan(rho[cut:], h_inf[cut:], first[-1])
    assert torch.equal(torch.cat([first, second]), gating_scan(rho, h_inf, h0))


@settings(deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(1, 200))
def test_constant_coefficients_give_the_closed_form(rho, h_inf, h0, T):
    ones = torch.ones(T, 1, 1, dtype=torch.float64)
    h = gating_scan(rho * ones, h_inf * ones, h0 * ones[0])
    expected = h_inf + (h0 - h_inf) * rho ** np.arange(1, T + 1)
    np.testing.assert_allclose(h[:, 0, 0], expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_rho_0_follows_and_rho_1_holds_to_the_bit(dtype):
    _, h_inf, h0 = random_gates(30, 2, 3, dtype=dtype)
    assert torch.equal(gating_scan(torch.zeros_like(h_inf), h_inf, h0), h_inf)
    assert torch.equal(gating_scan(torch.ones_like(h_inf), h_inf, h0), h0.expand_as(h_inf))


@pytest.fixture
def torch_threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("columns", [1, 15, 17, 100, 1000])
def test_the_number_of_threads_does_not_change_a_bit(torch_threads, columns):
    gates = random_gates(4 * SMALLEST_SHARE // columns, columns, 1, dtype=torch.float32)
    weight = torch.rand_like(gates[0])
    torch_threads(1)
    h, grads = gating_scan(*gates), gradients(gating_scan, gates, weight)
    for n in (2, 3, 4):
        torch_threads(n)
        assert torch.equal(gating_scan(*gates), h)
        for a, b in zip(gradients(gating_scan, gates, weight), grads, strict=True):
            assert torch.equal(a, b)


def test_concurrent_calls_agree_with_serial_ones(torch_threads):
    torch_threads(2)
    jobs = [random_gates(300, 40, 10, dtype=torch.float32, seed=seed) for seed in range(6)]
    weight = torch.rand(300, 40, 10)
    serial = [gradients(gating_scan, gates, weight) for gates in jobs]
    results: dict[int, list[torch.Tensor]] = {}
    together = threading.Barrier(len(jobs))

    def work(i: int) -> None:
        together.wait(30)
        for _ in range(5):
            results[i] = gradients(gating_scan, jobs[i], weight)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == len(jobs)
    for i, expected in enumerate(serial):
        assert all(torch.equal(a, b) for a, b in zip(results[i], expected, strict=True))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_does_not_wait_for_its_parents_threads():
    program = """
import os, torch
from ionwidgets.gnn import gating_scan
torch.set_num_threads(2)
x = torch.rand(2000, 10, 10)
expected = gating_scan(x, x, x[0])
child = os.fork()
if child == 0:
    os._exit(0 if torch.equal(gating_scan(x, x, x[0]), expected) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


def test_other_devices_take_the_plain_path():
    rho, h_inf, h0 = (x.to("meta") for x in random_gates(6, 2, 3))
    h = gating_scan(rho, h_inf, h0)
    assert h.shape == (6, 2, 3)
    assert h.device.type == "meta"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_agrees_with_the_kernel():
    gates = random_gates(50, 3, 4)
    weight = torch.rand(50, 3, 4, dtype=torch.float64)
    ours = gradients(gating_scan, tuple(x.cuda() for x in gates), weight.cuda())
    for a, b in zip(ours, gradients(gating_scan, gates, weight), strict=True):
        torch.testing.assert_close(a.cpu(), b)


@pytest.mark.parametrize(
    ("shapes", "named"),
    [
        (((5, 2, 3), (5, 2, 4), (2, 3)), "(5, 2, 4)"),
        (((5, 2, 3), (5, 2, 3), (3, 2)), "(3, 2)"),
        (((5, 2, 3), (5, 2, 3), (5, 2, 3)), "h0 (5, 2, 3)"),
        (((5, 6), (5, 6), (6,)), "(5, 6)"),
    ],
)
def test_wrong_shapes_are_named(shapes, named):
    with pytest.raises(ValueError, match="needs rho") as error:
        gating_scan(*(torch.zeros(shape) for shape in shapes))
    assert named in str(error.value)


def test_mixed_or_unusable_dtypes_and_devices_are_named():
    rho, h_inf, h0 = random_gates(5, 2, 3)
    with pytest.raises(TypeError, match=r"h_inf torch\.float32"):
        gating_scan(rho, h_inf.float(), h0)
    with pytest.raises(TypeError, match=r"rho torch\.float16.*\(5, 2, 3\)"):
        gating_scan(rho.half(), h_inf.half(), h0.half())
    with pytest.raises(ValueError, match="h0 on meta"):
        gating_scan(rho, h_inf, h0.to("meta"))
