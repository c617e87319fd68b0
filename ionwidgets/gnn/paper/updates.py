"""The published updates, one a time step, hand-differentiated: what takes half a day there takes minutes.

With x[t] the observables, h the gates, both from 0 to 1 over their ranges, B cells at once::

    p = relu(W2 relu(W1 x[t] + b1) + b2)                                      features of m1
    rho = sigmoid(Wt p + bt),  h_inf = sigmoid(Ws p + bs)                     the gating layer
    h' = rho h + (1 - rho) h_inf
    u = relu(U2 relu(U1 [x[t]; h'] + c1) + c2)                                features of m2
    i, f, g, o = sigmoid, sigmoid, tanh, sigmoid (Wi u + Wh q + bl)           its LSTM
    c' = f c + i g,  q' = o tanh(c'),  y = sigmoid(O q' + bo)

Stage 1 descends  <(h' - H[t+1])^2> + <(y - Y[t+1])^2> + decay sum_tensors <w^2>  over all weights; stage 2
eta <|h' - r|> + <(y - Y[t+1])^2> over V and Ca_i alone + decay sum_tensors <w^2>  over the gating layer's,
r being the gates of stage 1. h, q and c are carried from step to step and not differentiated through.

Arrays are (features, B), so that the innermost loops run over cells; weights are one flat float32 vector cut
by `weights.tensors`. Every function is nogil: runs share the cores as threads.
"""

from __future__ import annotations

import numba
import numpy as np

F = np.float32
ZERO, ONE, TWO = F(0), F(1), F(2)
# Sums may be reordered, for vectors; what is not finite stays so, and is found in the losses.
jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz"})


@jit
def _affine(W, b, X, Y):  # pragma: no cover (compiled)
    """Y = W X + b: (o, i), (o,), (i, B) to (o, B)."""
    for o in range(W.shape[0]):
        y = Y[o]
        for k in range(y.size):
            y[k] = b[o]
    _add_product(W, X, Y)


@jit
def _add_product(W, X, Y):  # pragma: no cover (compiled)
    """Y += W X; four rows of X at a time, which halves the traffic to memory."""
    n, cells = X.shape
    for o in range(W.shape[0]):
        y = Y[o]
        i = 0
        while i + 4 <= n:
            w0, w1, w2, w3 = W[o, i], W[o, i + 1], W[o, i + 2], W[o, i + 3]
            x0, x1, x2, x3 = X[i], X[i + 1], X[i + 2], X[i + 3]
            for k in range(cells):
                y[k] += w0 * x0[k] + w1 * x1[k] + w2 * x2[k] + w3 * x3[k]
            i += 4
        while i < n:
            w0, x0 = W[o, i], X[i]
            for k in range(cells):
                y[k] += w0 * x0[k]
            i += 1


@jit
def _add_outer(dY, X, dW, db):  # pragma: no cover (compiled)
    """dW += dY X^T, db += the row sums of dY."""
    n, cells = X.shape
    for o in range(dY.shape[0]):
        d = dY[o]
        total = ZERO
        for k in range(cells):
            total += d[k]
        db[o] += total
        i = 0
        while i + 4 <= n:
            x0, x1, x2, x3 = X[i], X[i + 1], X[i + 2], X[i + 3]
            s0, s1, s2, s3 = ZERO, ZERO, ZERO, ZERO
            for k in range(cells):
                s0 += d[k] * x0[k]
                s1 += d[k] * x1[k]
                s2 += d[k] * x2[k]
                s3 += d[k] * x3[k]
            dW[o, i] += s0
            dW[o, i + 1] += s1
            dW[o, i + 2] += s2
            dW[o, i + 3] += s3
            i += 4
        while i < n:
            s0, x0 = ZERO, X[i]
            for k in range(cells):
                s0 += d[k] * x0[k]
            dW[o, i] += s0
            i += 1


@jit
def _back(W, dY, dX):  # pragma: no cover (compiled)
    """dX = W^T dY."""
    dX[:] = ZERO
    _add_product(W.T, dY, dX)


@jit
def _relu(X):  # pragma: no cover (compiled)
    for a in range(X.shape[0]):
        x = X[a]
        for k in range(x.size):
            x[k] = max(x[k], ZERO)


@jit
def _through_relu(dX, X):  # pragma: no cover (compiled)
    """What of dX passes where relu gave X."""
    for a in range(X.shape[0]):
        d, x = dX[a], X[a]
        for k in range(x.size):
            d[k] = d[k] if x[k] > ZERO else ZERO


@jit
def _sigmoid(X):  # pragma: no cover (compiled)
    for a in range(X.shape[0]):
        x = X[a]
        for k in range(x.size):
            x[k] = ONE / (ONE + np.exp(-x[k]))


@jit
def _tanh(X, Y):  # pragma: no cover (compiled)
    for a in range(X.shape[0]):
        x, y = X[a], Y[a]
        for k in range(x.size):
            y[k] = TWO / (ONE + np.exp(-TWO * x[k])) - ONE


@jit
def _gate(Ws, bs, Wt, bt, p, h_inf, rho, h):  # pragma: no cover (compiled)
    """The gating layer one sample on, h (G, B) in place."""
    _affine(Ws, bs, p, h_inf)
    _sigmoid(h_inf)
    _affine(Wt, bt, p, rho)
    _sigmoid(rho)
    for a in range(h.shape[0]):
        r, s, x = rho[a], h_inf[a], h[a]
        for k in range(x.size):
            x[k] = r[k] * x[k] + (ONE - r[k]) * s[k]


@jit
def _through_blend(dh, rho, h_inf, before, drho, dinf):  # pragma: no cover (compiled)
    """From dL/dh' to dL/d(Wt p + bt) and dL/d(Ws p + bs)."""
    for a in range(dh.shape[0]):
        d, r, s, h, dr, ds = dh[a], rho[a], h_inf[a], before[a], drho[a], dinf[a]
        for k in range(d.size):
            rest = ONE - r[k]
            dr[k] = d[k] * (h[k] - s[k]) * r[k] * rest
            ds[k] = d[k] * rest * s[k] * (ONE - s[k])


@jit
def _remember(gates, c, q, squashed):  # pragma: no cover (compiled)
    """c' and q' of the LSTM in place, from its four activated gates (4N, B); squashed = tanh(c')."""
    n = c.shape[0]
    for a in range(n):
        i, f, g, o = gates[a], gates[n + a], gates[2 * n + a], gates[3 * n + a]
        x = c[a]
        for k in range(x.size):
            x[k] = f[k] * x[k] + i[k] * g[k]
    _tanh(c, squashed)
    for a in range(n):
        o, s, x = gates[3 * n + a], squashed[a], q[a]
        for k in range(x.size):
            x[k] = o[k] * s[k]


@jit
def _through_memory(dq, gates, c, squashed, d):  # pragma: no cover (compiled)
    """From dL/dq' to dL/d(the four gates before their activation); c is that before the step."""
    n = c.shape[0]
    for a in range(n):
        i, f, g, o = gates[a], gates[n + a], gates[2 * n + a], gates[3 * n + a]
        di, df, dg, do = d[a], d[n + a], d[2 * n + a], d[3 * n + a]
        for k in range(i.size):
            s = squashed[a, k]
            dc = dq[a, k] * o[k] * (ONE - s * s)
            do[k] = dq[a, k] * s * o[k] * (ONE - o[k])
            di[k] = dc * g[k] * i[k] * (ONE - i[k])
            df[k] = dc * c[a, k] * f[k] * (ONE - f[k])
            dg[k] = dc * i[k] * (ONE - g[k] * g[k])


@jit
def _adam(w, grad, mean, square, step, rate, beta1, beta2, epsilon):  # pragma: no cover (compiled)
    """One update of Kingma and Ba's Adam, `step` counting from 1."""
    whole1 = F(1.0 - beta1**step)
    whole2 = F(1.0 - beta2**step)
    for k in range(w.size):
        mean[k] = F(beta1) * mean[k] + F(1.0 - beta1) * grad[k]
        square[k] = F(beta2) * square[k] + F(1.0 - beta2) * grad[k] * grad[k]
        w[k] -= F(rate) * (mean[k] / whole1) / (np.sqrt(square[k] / whole2) + F(epsilon))


@jit
def _decay(w, grad, ends, factor):  # pragma: no cover (compiled)
    """Add the gradient of factor * sum over tensors of <w^2>, begin the gradient with it."""
    for a in range(ends.size - 1):
        scale = F(2.0 * factor / (ends[a + 1] - ends[a]))
        for k in range(ends[a], ends[a + 1]):
            grad[k] = scale * w[k]


@jit
def _emulate(m2, z, c, q, room):  # pragma: no cover (compiled)
    """m2 one sample on: z (n + G, B) in; the memory c, q (N, B) in place; y, v1, v2, ... in `room`."""
    U1, c1, U2, c2, Wi, Wh, bl, O, bo = m2
    v1, v2, gates, squashed, c_before, q_before, y = room
    N = c.shape[0]
    c_before[:], q_before[:] = c, q
    _affine(U1, c1, z, v1)
    _relu(v1)
    _affine(U2, c2, v1, v2)
    _relu(v2)
    _affine(Wi, bl, v2, gates)
    _add_product(Wh, q_before, gates)
    _sigmoid(gates[: 2 * N])
    _tanh(gates[2 * N : 3 * N], gates[2 * N : 3 * N])
    _sigmoid(gates[3 * N :])
    _remember(gates, c, q, squashed)
    _affine(O, bo, q, y)
    _sigmoid(y)


@jit
def _misfit(y, Y, dy):  # pragma: no cover (compiled)
    """<(y - Y)^2>, and in dy its gradient before the sigmoid of y."""
    total, factor = ZERO, F(TWO / F(y.size))
    for a in range(y.shape[0]):
        for k in range(y.shape[1]):
            off = y[a, k] - Y[a, k]
            total += off * off
            dy[a, k] = factor * off * y[a, k] * (ONE - y[a, k])
    return total / F(y.size)


@jit
def _through_emulator(m2, room, dy, dq, dgates, d2, d1):  # pragma: no cover (compiled)
    """From dL/d(O q' + bo) back to d1 = dL/d(U1 z + c1), and d2 = dL/d(U2 v1 + c2), dgates on the way."""
    U2, Wi, O = m2[2], m2[4], m2[7]
    v1, v2, gates, squashed, c_before = room[0], room[1], room[2], room[3], room[4]
    _back(O, dy, dq)
    _through_memory(dq, gates, c_before, squashed, dgates)
    _back(Wi, dgates, d2)
    _through_relu(d2, v2)
    _back(U2, d2, d1)
    _through_relu(d1, v1)


@jit
def _cut_m2(w, ends, first, width, N, read):  # pragma: no cover (compiled)
    """The tensors of m2 in a flat vector, `first` being its first; `read` outputs of N are kept."""
    U1 = w[ends[first] : ends[first + 1]]
    return (
        U1.reshape(width, U1.size // width), w[ends[first + 1] : ends[first + 2]],
        w[ends[first + 2] : ends[first + 3]].reshape(width, width), w[ends[first + 3] : ends[first + 4]],
        w[ends[first + 4] : ends[first + 5]].reshape(4 * N, width),
        w[ends[first + 5] : ends[first + 6]].reshape(4 * N, N), w[ends[first + 6] : ends[first + 7]],
        w[ends[first + 7] : ends[first + 8]].reshape(N, N)[:read],
        w[ends[first + 8] : ends[first + 9]][:read],
    )  # fmt: skip


@jit
def _cut_gating(w, ends, first, width, G):  # pragma: no cover (compiled)
    """Ws, bs, Wt, bt in a flat vector, `first` being the first of them."""
    return (
        w[ends[first] : ends[first + 1]].reshape(G, width), w[ends[first + 1] : ends[first + 2]],
        w[ends[first + 2] : ends[first + 3]].reshape(G, width), w[ends[first + 3] : ends[first + 4]],
    )  # fmt: skip


@jit
def _emulator_room(width, N, read, B):  # pragma: no cover (compiled)
    return (
        np.empty((width, B), F), np.empty((width, B), F), np.empty((4 * N, B), F), np.empty((N, B), F),
        np.empty((N, B), F), np.empty((N, B), F), np.empty((read, B), F),
    )  # fmt: skip


@jit
def stage1(w, mean, square, done, ends, x, H, Y, h, c, q, rate, decay, adam, losses):  # pragma: no cover
    """Run T updates of stage 1, in place.

    w, mean, square (P,): weights and Adam's moments after `done` updates; `ends` cuts them. x (T, n, B); H
    (T, G, B), Y (T, N, B): what the gates and the other states are one sample later. h, c, q: what is
    carried. losses (T, 2): of the gates and of the others, before each update.
    """
    steps, n, B = x.shape
    G, N = H.shape[1], Y.shape[1]
    width = ends[2] - ends[1]
    grad = np.zeros_like(w)
    W1, W2 = w[: ends[1]].reshape(width, n), w[ends[2] : ends[3]].reshape(width, width)
    b1, b2 = w[ends[1] : ends[2]], w[ends[3] : ends[4]]
    gW1, gW2 = grad[: ends[1]].reshape(width, n), grad[ends[2] : ends[3]].reshape(width, width)
    gb1, gb2 = grad[ends[1] : ends[2]], grad[ends[3] : ends[4]]
    Ws, bs, Wt, bt = _cut_gating(w, ends, 4, width, G)
    gWs, gbs, gWt, gbt = _cut_gating(grad, ends, 4, width, G)
    m2 = _cut_m2(w, ends, 8, width, N, N)
    gU1, gc1, gU2, gc2, gWi, gWh, gbl, gO, gbo = _cut_m2(grad, ends, 8, width, N, N)
    a1, a2 = np.empty((width, B), F), np.empty((width, B), F)
    d1, d2 = np.empty((width, B), F), np.empty((width, B), F)
    rho, h_inf, before = np.empty((G, B), F), np.empty((G, B), F), np.empty((G, B), F)
    drho, dinf, dh = np.empty((G, B), F), np.empty((G, B), F), np.empty((G, B), F)
    z, dz = np.empty((n + G, B), F), np.empty((n + G, B), F)
    dgates, dq, dy = np.empty((4 * N, B), F), np.empty((N, B), F), np.empty((N, B), F)
    room = _emulator_room(width, N, N, B)
    v1, v2, q_before, y = room[0], room[1], room[5], room[6]
    unused = np.zeros(4 * N, F)
    for t in range(steps):
        before[:] = h
        _affine(W1, b1, x[t], a1)
        _relu(a1)
        _affine(W2, b2, a1, a2)
        _relu(a2)
        _gate(Ws, bs, Wt, bt, a2, h_inf, rho, h)
        z[:n], z[n:] = x[t], h
        _emulate(m2, z, c, q, room)

        _decay(w, grad, ends, decay)
        losses[t, 1] = _misfit(y, Y[t], dy)
        _through_emulator(m2, room, dy, dq, dgates, d2, d1)
        _add_outer(dy, q, gO, gbo)
        _add_outer(dgates, v2, gWi, gbl)
        _add_outer(dgates, q_before, gWh, unused)
        _add_outer(d2, v1, gU2, gc2)
        _add_outer(d1, z, gU1, gc1)
        _back(m2[0], d1, dz)
        off_h, factor = ZERO, F(TWO / F(G * B))
        for a in range(G):
            for k in range(B):
                off = h[a, k] - H[t, a, k]
                off_h += off * off
                dh[a, k] = dz[n + a, k] + factor * off
        losses[t, 0] = off_h / F(G * B)
        _through_blend(dh, rho, h_inf, before, drho, dinf)
        _add_outer(dinf, a2, gWs, gbs)
        _add_outer(drho, a2, gWt, gbt)
        _back(Ws, dinf, d2)
        _add_product(Wt.T, drho, d2)
        _through_relu(d2, a2)
        _add_outer(d2, a1, gW2, gb2)
        _back(W2, d2, d1)
        _through_relu(d1, a1)
        _add_outer(d1, x[t], gW1, gb1)
        _adam(w, grad, mean, square, done + t + 1, rate, adam[0], adam[1], adam[2])


@jit
def stage2(
    v, mean, square, done, w, ends, p, x, reference, Y, h, c, q, eta, rate, decay, adam, losses
):  # pragma: no cover (compiled)
    """Run T updates of stage 2, in place.

    v (V,): the gating layer's weights (Ws, bs, Wt, bt), which train; w (P,): all of stage 1, which do not.
    p (T, width, B): features; x (T, n, B); reference (T, G, B): the gates of stage 1 after each step; Y (T,
    n, B): the observables one sample later; the rest as in `stage1`. losses (T, 2): <|h' - r|> and the
    observables' <(y - Y)^2>, before each update.
    """
    steps, n, B = x.shape
    G, width = reference.shape[1], p.shape[1]
    N = (ends[15] - ends[14]) // 4
    own = ends[4:9] - ends[4]
    grad = np.zeros_like(v)
    Ws, bs, Wt, bt = _cut_gating(v, own, 0, width, G)
    gWs, gbs, gWt, gbt = _cut_gating(grad, own, 0, width, G)
    m2 = _cut_m2(w, ends, 8, width, N, n)
    of_gates = m2[0][:, n:]
    d1, d2 = np.empty((width, B), F), np.empty((width, B), F)
    rho, h_inf, before = np.empty((G, B), F), np.empty((G, B), F), np.empty((G, B), F)
    drho, dinf, dh = np.empty((G, B), F), np.empty((G, B), F), np.empty((G, B), F)
    z = np.empty((n + G, B), F)
    dgates, dq, dy = np.empty((4 * N, B), F), np.empty((N, B), F), np.empty((n, B), F)
    room = _emulator_room(width, N, n, B)
    y = room[6]
    factor = F(F(eta) / F(G * B))
    for t in range(steps):
        before[:] = h
        _gate(Ws, bs, Wt, bt, p[t], h_inf, rho, h)
        z[:n], z[n:] = x[t], h
        _emulate(m2, z, c, q, room)

        _decay(v, grad, own, decay)
        losses[t, 1] = _misfit(y, Y[t], dy)
        _through_emulator(m2, room, dy, dq, dgates, d2, d1)
        _back(of_gates, d1, dh)
        off_h = ZERO
        for a in range(G):
            for k in range(B):
                off = h[a, k] - reference[t, a, k]
                off_h += abs(off)
                dh[a, k] += factor * (F(off > ZERO) - F(off < ZERO))
        losses[t, 0] = off_h / F(G * B)
        _through_blend(dh, rho, h_inf, before, drho, dinf)
        _add_outer(dinf, p[t], gWs, gbs)
        _add_outer(drho, p[t], gWt, gbt)
        _adam(v, grad, mean, square, done + t + 1, rate, adam[0], adam[1], adam[2])
