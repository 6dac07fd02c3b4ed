# Generated from ch01/05_optimization.ipynb by `make export`: do not edit.
"""What ch01/05_optimization.ipynb exports for other notebooks."""

__all__ = ['in_range', 'Optimizer', 'SGD', 'AdaGrad', 'RMSProp', 'Adam', 'warmup_cosine']


import numpy as np


def in_range(name, value, below=np.inf):
    """Return `value` if it lies in [0, below), else raise a ValueError."""
    if not 0 <= value < below:
        raise ValueError(f"{name} must lie in [0, {below:g}), got {value}")
    return value


class Optimizer:
    """Change a list of arrays in place, one step at a time.

    A subclass sets `n_buffers` and defines ``update(w, g, *buffers)``.

    Parameters
    ----------
    eta : float
        Learning rate; a schedule may set the attribute between steps.

    Attributes
    ----------
    t : int
        Steps taken.
    state : list of list of ndarray
        The buffers of each parameter, zero at first; None before step 1.
    """

    n_buffers = 1

    def __init__(self, eta):
        self.eta = in_range("eta", eta)
        self.t, self.state = 0, None

    def step(self, params, grads):
        """Change every array of `params`, given `grads` of equal shapes.

        Raises ValueError when the lists or the shapes do not fit.
        """
        if self.state is None:
            self.state = [[np.zeros_like(w) for _ in range(self.n_buffers)]
                          for w in params]
        shapes = [buffers[0].shape for buffers in self.state]
        for name, arrays in (("params", params), ("grads", grads)):
            got = [a.shape for a in arrays]
            if got != shapes:
                raise ValueError(f"{name} has shapes {got}, not {shapes}")
        self.t += 1
        for w, g, buffers in zip(params, grads, self.state):
            self.update(w, g, *buffers)


class SGD(Optimizer):
    """Gradient descent with momentum. Implements (1.5.6) and (1.5.11).

    Parameters
    ----------
    eta : float
        Learning rate.
    momentum : float
        β in [0, 1).
    nesterov : bool
        Whether to step from the point ahead.
    weight_decay : float
        α of the penalty α/2 ‖w‖², whose gradient is added to `grads`.
    """

    def __init__(self, eta, momentum=0.0, nesterov=False, weight_decay=0.0):
        super().__init__(eta)
        self.momentum = in_range("momentum", momentum, 1)
        self.weight_decay = in_range("weight_decay", weight_decay)
        if nesterov and momentum == 0:
            raise ValueError("nesterov=True needs a positive momentum")
        self.nesterov = nesterov

    def update(self, w, g, v):
        """Take one step in `w`."""
        g = g + self.weight_decay * w
        v *= self.momentum
        v += g  # (1.5.6)
        ahead = g + self.momentum * v if self.nesterov else v
        w -= self.eta * ahead  # (1.5.6), (1.5.11)


class AdaGrad(Optimizer):
    """Divide by the root of the summed squares. Implements (1.5.14)."""

    def __init__(self, eta, eps=1e-10):
        super().__init__(eta)
        self.eps = in_range("eps", eps)

    def update(self, w, g, s):
        """Take one step in `w`."""
        s += g**2  # (1.5.14)
        w -= self.eta * g / (np.sqrt(s) + self.eps)  # (1.5.14)


class RMSProp(Optimizer):
    """Divide by the root of a running mean square. Implements (1.5.15)."""

    def __init__(self, eta, beta2=0.99, eps=1e-8):
        super().__init__(eta)
        self.beta2 = in_range("beta2", beta2, 1)
        self.eps = in_range("eps", eps)

    def update(self, w, g, s):
        """Take one step in `w`."""
        s *= self.beta2
        s += (1 - self.beta2) * g**2  # (1.5.15)
        w -= self.eta * g / (np.sqrt(s) + self.eps)  # (1.5.15)


class Adam(Optimizer):
    """Running means of gradient and square. Implements (1.5.16), (1.5.17).

    Parameters
    ----------
    eta : float
        Learning rate: the length of the first step in every coordinate.
    beta1, beta2 : float
        Memory of the mean and of the mean square, in [0, 1).
    eps : float
        Added to the root, after the bias correction.
    weight_decay : float
        α of the penalty α/2 ‖w‖², whose gradient is added to `grads`.
    """

    n_buffers = 2

    def __init__(self, eta=1e-3, beta1=0.9, beta2=0.999, eps=1e-8,
                 weight_decay=0.0):
        super().__init__(eta)
        self.beta1 = in_range("beta1", beta1, 1)
        self.beta2 = in_range("beta2", beta2, 1)
        self.eps = in_range("eps", eps)
        self.weight_decay = in_range("weight_decay", weight_decay)

    def update(self, w, g, m, s):
        """Take one step in `w`."""
        g = g + self.weight_decay * w
        m *= self.beta1
        m += (1 - self.beta1) * g  # (1.5.16)
        s *= self.beta2
        s += (1 - self.beta2) * g**2  # (1.5.16)
        w -= self.eta * self.corrected(m, s)  # (1.5.17)

    def corrected(self, m, s):
        """Return the step for η = 1."""
        m_hat = m / (1 - self.beta1**self.t)  # (1.5.17)
        s_hat = s / (1 - self.beta2**self.t)  # (1.5.17)
        return m_hat / (np.sqrt(s_hat) + self.eps)  # (1.5.17)


def warmup_cosine(t, eta, warmup, total, eta_min=0.0):
    """Return the learning rate of step t. Implements (1.5.22).

    Parameters
    ----------
    t : int
        Step, counted from 0; after `total` the rate stays at `eta_min`.
    eta, eta_min : float
        Highest rate, and the rate at the end.
    warmup, total : int
        Steps of the rise, and of everything: 0 ≤ warmup < total.

    Returns
    -------
    float
    """
    if not 0 <= warmup < total:
        raise ValueError(f"need 0 <= warmup < total, got {warmup}, {total}")
    if t < 0:
        raise ValueError(f"steps are counted from 0, got {t}")
    if t < warmup:
        return eta * (t + 1) / warmup  # (1.5.22)
    done = min((t - warmup) / (total - warmup), 1.0)
    share = (1 + np.cos(np.pi * done)) / 2  # (1.5.22)
    return float(eta_min + (eta - eta_min) * share)  # (1.5.22)
