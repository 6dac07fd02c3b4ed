# Generated from ch04/02_automatic_differentiation.ipynb by `make export`: do not edit.
"""What ch04/02_automatic_differentiation.ipynb exports for other notebooks."""

__all__ = ['topological', 'Tensor', 'record', 'lift', 'backward', 'exp', 'log', 'tanh', 'power', 'unbroadcast', 'elementwise',
           'add', 'sub', 'mul', 'div', 'where', 'relu', 'matmul', 'reduced', 'total', 'mean', 'amax', 'take', 'reshape',
           'swapaxes', 'cross_entropy']


import numpy as np


def topological(root):
    """Return all nodes below `root`, parents first, `root` last."""
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(parent, False) for parent, _ in node.links]
    return order


class Tensor:
    """An array that remembers how it was computed.

    Parameters
    ----------
    data : array_like
        float32 stays float32, all else becomes float64; not copied.
    requires_grad : bool
        Whether `backward` shall fill `grad`.
    op : str
        The operation it comes from; empty for an input.
    links : tuple of (Tensor, callable)
        Operands that need a gradient, each with its VJP.

    Attributes
    ----------
    grad : ndarray or None
        Gradient, of the shape of `data`; of inputs only.
    """

    __array_ufunc__ = None  # so that `ndarray + Tensor` asks the Tensor

    def __init__(self, data, requires_grad=False, op="", links=()):
        data = np.asarray(data)
        if data.dtype != np.float32:
            data = data.astype(float, copy=False)
        self.data, self.grad, self.op, self.links = data, None, op, links
        self.requires_grad = requires_grad or bool(links)

    @property
    def shape(self):
        """Shape of `data`."""
        return self.data.shape

    def __repr__(self):
        return f"Tensor(shape={self.shape}, op={self.op!r})"


def record(op, value, *links):
    """Return `value` as a tensor, linked to the operands that want it."""
    kept = tuple((a, vjp) for a, vjp in links if a.requires_grad)
    return Tensor(value, op=op, links=kept)


def lift(a, b):
    """Return both operands as tensors; a constant takes the other's dtype."""
    if not isinstance(a, Tensor):
        a = Tensor(np.asarray(a, dtype=b.data.dtype))
    if not isinstance(b, Tensor):
        b = Tensor(np.asarray(b, dtype=a.data.dtype))
    return a, b


def backward(root, g=None):
    """Add to `grad` of every input below `root`. Implements (4.2.6), (4.2.9).

    Parameters
    ----------
    root : Tensor
        What is differentiated; one number unless `g` is given.
    g : array_like, optional
        The adjoint of `root`, of its shape; 1 by default.

    Raises
    ------
    ValueError
        When nothing below `root` requires a gradient, or shapes do not fit.
    """
    if not root.requires_grad:
        raise ValueError("nothing below this tensor requires a gradient")
    g = np.asarray(1 if g is None else g, dtype=root.data.dtype)
    if g.shape != root.shape and root.data.size * g.size != 1:
        raise ValueError(f"g has shape {g.shape}, the tensor {root.shape}")
    bar = {root: g.reshape(root.shape)}
    for node in reversed(topological(root)):
        g = bar.pop(node)
        if not node.links:
            node.grad = g + (0 if node.grad is None else node.grad)  # (4.2.9)
        for parent, vjp in node.links:
            part = vjp(g)  # (4.2.8)
            bar[parent] = bar[parent] + part if parent in bar else part


def exp(a):
    """Return eᵃ."""
    y = np.exp(a.data)
    return record("exp", y, (a, lambda g: g * y))  # (4.2.10)


def log(a):
    """Return the natural logarithm."""
    return record("log", np.log(a.data), (a, lambda g: g / a.data))  # (4.2.10)


def tanh(a):
    """Return the hyperbolic tangent."""
    y = np.tanh(a.data)
    return record("tanh", y, (a, lambda g: g * (1 - y * y)))  # (4.2.10)


def power(a, p):
    """Return aᵖ; the exponent p is a constant."""
    return record(f"power {p:g}", a.data**p,
                  (a, lambda g: g * p * a.data ** (p - 1)))  # (4.2.10)


def unbroadcast(g, shape):
    """Sum g over what broadcasting added or stretched. Implements (4.2.11)."""
    if g.shape == shape:
        return g
    added = g.ndim - len(shape)
    stretched = [added + k for k, size in enumerate(shape)
                 if size == 1 and g.shape[added + k] > 1]
    return g.sum(axis=(*range(added), *stretched)).reshape(shape)  # (4.2.11)


def elementwise(op, value, a, b, vjp_a, vjp_b):
    """Record a binary operation whose operands may have been broadcast."""
    return record(op, value,
                  (a, lambda g: unbroadcast(vjp_a(g), a.shape)),
                  (b, lambda g: unbroadcast(vjp_b(g), b.shape)))


def add(a, b):
    """Return a + b."""
    a, b = lift(a, b)
    return elementwise("+", a.data + b.data, a, b,
                       lambda g: g, lambda g: g)  # (4.2.12)


def sub(a, b):
    """Return a − b."""
    a, b = lift(a, b)
    return elementwise("−", a.data - b.data, a, b,
                       lambda g: g, lambda g: -g)  # (4.2.12)


def mul(a, b):
    """Return the elementwise product."""
    a, b = lift(a, b)
    return elementwise("×", a.data * b.data, a, b,
                       lambda g: g * b.data, lambda g: g * a.data)  # (4.2.12)


def div(a, b):
    """Return a / b."""
    a, b = lift(a, b)
    return elementwise("÷", a.data / b.data, a, b,
                       lambda g: g / b.data,
                       lambda g: -g * a.data / b.data**2)  # (4.2.12)


def where(condition, a, b):
    """Return a where the condition (an array of booleans) holds, else b."""
    a, b = lift(a, b)
    return elementwise("where", np.where(condition, a.data, b.data), a, b,
                       lambda g: np.where(condition, g, 0),
                       lambda g: np.where(condition, 0, g))  # (4.2.12)


def relu(a):
    """Return max(a, 0), with slope 0 at 0."""
    return where(a.data > 0, a, 0.0)


def matmul(a, b):
    """Return a @ b, for vectors, matrices and batches. Implements (4.2.14)."""
    a, b = lift(a, b)
    row, column = a.data.ndim == 1, b.data.ndim == 1
    A = a.data[None, :] if row else a.data  # (..., m, k)
    C = b.data[:, None] if column else b.data  # (..., k, n)
    y = A @ C  # (..., m, n)
    full = y.shape

    def vjp_a(g):
        g = g.reshape(full) @ C.swapaxes(-1, -2)  # (4.2.14), (..., m, k)
        return unbroadcast(g, A.shape).reshape(a.shape)

    def vjp_b(g):
        g = A.swapaxes(-1, -2) @ g.reshape(full)  # (4.2.14), (..., k, n)
        return unbroadcast(g, C.shape).reshape(b.shape)

    y = y.squeeze(axis=(-2,) * row + (-1,) * column)
    return record("@", y, (a, vjp_a), (b, vjp_b))


def reduced(op, a, y, axis, keepdims, vjp):
    """Record a reduction; `y` still has the axes, with size 1."""
    shape = y.shape
    copied = lambda g: np.broadcast_to(g.reshape(shape), a.shape)  # noqa: E731
    return record(op, y if keepdims else y.squeeze(axis),
                  (a, lambda g: vjp(copied(g))))  # (4.2.15)


def total(a, axis=None, keepdims=False):
    """Return the sum over `axis`, or over all."""
    y = a.data.sum(axis=axis, keepdims=True)
    return reduced("sum", a, y, axis, keepdims, lambda g: g)


def mean(a, axis=None, keepdims=False):
    """Return the mean over `axis`, or over all."""
    y = total(a, axis, keepdims)
    return mul(y, y.data.size / a.data.size)


def amax(a, axis=None, keepdims=False):
    """Return the maximum over `axis`, or over all; ties share evenly."""
    y = a.data.max(axis=axis, keepdims=True)

    def vjp(g):
        winners = (a.data == y).astype(g.dtype)
        return g * winners / winners.sum(axis, keepdims=True)  # (4.2.15)

    return reduced("amax", a, y, axis, keepdims, vjp)


def take(a, index):
    """Return a[index], for all that NumPy accepts as an index."""

    def vjp(g):
        x_bar = np.zeros_like(a.data)
        np.add.at(x_bar, index, g)  # (4.2.16)
        return x_bar

    return record("index", a.data[index], (a, vjp))


def reshape(a, *shape):
    """Return the entries in another shape."""
    y = a.data.reshape(*shape)
    return record("reshape", y, (a, lambda g: g.reshape(a.shape)))


def swapaxes(a, i, j):
    """Return the array with two axes exchanged; (-1, -2) transposes."""
    y = a.data.swapaxes(i, j)
    return record("swapaxes", y, (a, lambda g: g.swapaxes(i, j)))


Tensor.__add__ = Tensor.__radd__ = add
Tensor.__mul__ = Tensor.__rmul__ = mul
Tensor.__sub__, Tensor.__rsub__ = sub, lambda a, b: sub(b, a)
Tensor.__truediv__, Tensor.__rtruediv__ = div, lambda a, b: div(b, a)
Tensor.__matmul__, Tensor.__rmatmul__ = matmul, lambda a, b: matmul(b, a)
Tensor.__neg__, Tensor.__pow__ = lambda a: mul(a, -1.0), power
Tensor.__gt__ = lambda a, b: a.data > getattr(b, "data", b)
Tensor.__lt__ = lambda a, b: a.data < getattr(b, "data", b)
Tensor.__getitem__, Tensor.reshape, Tensor.swapaxes = take, reshape, swapaxes
Tensor.exp, Tensor.log, Tensor.tanh = exp, log, tanh
Tensor.sum, Tensor.mean, Tensor.amax = total, mean, amax
Tensor.backward = backward


def cross_entropy(z, y):
    """Return the mean cross-entropy of net inputs z (B, K), classes y (B,)."""
    z = z - z.data.max(axis=1, keepdims=True)  # (B, K), same loss
    log_sum = z.exp().sum(axis=1).log()  # (B,)
    return (log_sum - z[np.arange(len(y)), y]).mean()  # (4.2.18)
