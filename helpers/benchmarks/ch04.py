"""Chapter 4 beside scikit-learn and PyTorch, on one thread."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers import data
from helpers.benchmarks import Pair, coefficients_apart
from helpers.ch04 import automatic_differentiation as engine
from helpers.ch04 import multilayer_perceptron as by_hand
from helpers.ch04 import training_in_pytorch as training
from helpers.ch04.convolutional_networks import conv2d, conv2d_backward

STEP_SIZES = ((50, 100), (500, 500))  # samples in a batch, hidden units
CONV_SIZES = ((16, 16, 28, 32, 3), (64, 32, 14, 64, 3))  # B, C, side, channels out, k


def pairs(
    epochs=3, samples=4_000, step_sizes=STEP_SIZES, conv_sizes=CONV_SIZES
) -> list[Pair]:
    """Return the pairs of chapter 4.

    Parameters
    ----------
    epochs, samples : int
        For the perceptron and for ``fit()``; smaller in tests.
    step_sizes, conv_sizes : sequence of tuple of int
        See the constants of this module.

    Returns
    -------
    list of Pair
        In the order of the notebooks.
    """
    split = data.mnist5k_split()
    X, y = split.X_train[:samples], split.y_train[:samples]
    found = _perceptrons(X, y, epochs)
    for size in step_sizes:
        found += _training_steps(*size)
    found.append(_fit(X, y, epochs))
    for size in conv_sizes:
        found += _convolutions(*size)
    return found


def _perceptrons(X, y, epochs):
    """Pair the losses after equal epochs; the starts differ, so 0.05 nats are equal."""
    task = f"MLP 784-100-10, {epochs} epochs of {len(X):,}"
    rivals = (
        ("scikit-learn MLPClassifier", lambda: _in_sklearn(X, y, epochs), 1.5),
        ("PyTorch, float64", lambda: _in_torch(X, y, epochs, torch.float64), 1.5),
        ("PyTorch, float32", lambda: _in_torch(X, y, epochs, torch.float32), 3.0),
    )

    def ours():
        return by_hand.MLP(n_iter=epochs).fit(X, y).losses_[-1]

    return [
        Pair(task, ours, theirs, name, lambda a, b: max(0.0, a - b), 0.05, target)
        for name, theirs, target in rivals
    ]


def _in_sklearn(X, y, epochs):
    model = MLPClassifier(
        (100,),
        solver="sgd",
        learning_rate_init=0.1,
        momentum=0.0,
        nesterovs_momentum=False,
        alpha=0.0,
        batch_size=50,
        random_state=0,
    )
    for _ in range(epochs):  # partial_fit is one epoch, without a warning
        model.partial_fit(X, y, classes=range(10))
    return model.loss_


def _network():
    return nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))


def _in_torch(X, y, epochs, dtype):
    torch.manual_seed(0)
    X, y = torch.tensor(X, dtype=dtype), torch.tensor(y)
    net = _network().to(dtype)
    descent = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(epochs):
        total = 0.0
        for rows in torch.randperm(len(X)).split(50):
            loss = F.cross_entropy(net(X[rows]), y[rows])
            descent.zero_grad()
            loss.backward()
            descent.step()
            total += len(rows) * loss.item()
    return total / len(X)


def _training_steps(batch, hidden):
    """Pair one step of descent of a 784-hidden-10 network of ReLUs in 64 bits.

    Each side keeps parameters of its own; the gap is how far the first layer's
    weights are apart after the first step.
    """
    rng = np.random.default_rng(0)
    X = rng.random((batch, 784))  # (B, 784)
    y = rng.integers(0, 10, size=batch)  # (B,)
    return [
        Pair(
            f"engine, training step, 784-{hidden}-10, batch of {batch}",
            _step_on_the_engine(X, y, hidden),
            theirs(X, y, hidden),
            reference,
            coefficients_apart,
            1e-10,
            target,
        )
        for theirs, reference, target in (
            (_step_by_hand, "NumPy by hand (4.1)", 2.0),
            (_step_in_torch, "PyTorch autograd", 3.0),
        )
    ]


def _start(hidden):
    """Return W1, b1, W2, b2."""
    rng = np.random.default_rng(0)
    (W1, W2), (b1, b2) = by_hand.initialize((784, hidden, 10), rng)
    return W1, b1, W2, b2


def _step_on_the_engine(X, y, hidden, eta=0.01):
    params = [engine.Tensor(p, requires_grad=True) for p in _start(hidden)]
    W1, b1, W2, b2 = params

    def step():
        z2 = engine.relu(X @ W1 + b1) @ W2 + b2  # (B, 10)
        engine.cross_entropy(z2, y).backward()
        for p in params:
            p.data -= eta * p.grad
            p.grad = None
        return W1.data

    return step


def _step_by_hand(X, y, hidden, eta=0.01):
    W1, b1, W2, b2 = _start(hidden)
    weights, biases = [W1, W2], [b1, b2]

    def step():
        a = by_hand.forward(X, weights, biases)
        _, delta = by_hand.cross_entropy(a[-1], y)
        dW, db = by_hand.backward(a, delta, weights)
        for p, g in zip(weights + biases, dW + db):
            p -= eta * g
        return W1

    return step


def _step_in_torch(X, y, hidden, eta=0.01):
    params = [torch.tensor(p, requires_grad=True) for p in _start(hidden)]
    W1, b1, W2, b2 = params
    X, y = torch.from_numpy(X), torch.from_numpy(y)

    def step():
        z2 = torch.relu(X @ W1 + b1) @ W2 + b2  # (B, 10)
        F.cross_entropy(z2, y).backward()
        with torch.no_grad():
            for p in params:
                p -= eta * p.grad
                p.grad = None
        return W1.detach().numpy()

    return step


def _fit(X, y, epochs):
    """Pair ``fit()`` with the bare loop of six lines: what all the care costs."""
    X, y = torch.tensor(X, dtype=torch.float32), torch.tensor(y)

    def start():
        torch.manual_seed(0)
        model = _network()
        order = torch.Generator().manual_seed(0)
        loader = DataLoader(TensorDataset(X, y), 64, shuffle=True, generator=order)
        return model, loader, torch.optim.AdamW(model.parameters())

    def ours():
        model, loader, optimizer = start()
        training.fit(model, loader, optimizer, epochs=epochs)
        return model[0].weight.detach().numpy()

    def bare():
        model, loader, optimizer = start()
        for _ in range(epochs):
            for x, labels in loader:
                loss = F.cross_entropy(model(x), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return model[0].weight.detach().numpy()

    return Pair(
        f"fit(), {epochs} epochs, {len(y):,} × 784",
        ours,
        bare,
        "PyTorch, the bare loop",
        lambda a, b: float(np.abs(a - b).max()),
        0.0,
        1.05,
    )


def _convolutions(batch, channels, side, out, k):
    """Pair one layer with padding 1, forward alone and with its gradients."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(batch, channels, side, side)).astype(np.float32)
    w = rng.normal(size=(out, channels, k, k)).astype(np.float32)
    b = rng.normal(size=out).astype(np.float32)
    dz = rng.normal(size=(batch, out, side, side)).astype(np.float32)
    t_x, t_w, t_b, t_dz = (torch.tensor(a) for a in (x, w, b, dz))
    name = f"{batch} × {channels} × {side}² → {out}"

    def forward():
        with torch.no_grad():
            return F.conv2d(t_x, t_w, t_b, padding=1).numpy()

    def ours():
        conv2d(x, w, b, p=1)
        return conv2d_backward(dz, x, w, p=1)[1]

    def theirs():
        leaves = [t.detach().requires_grad_() for t in (t_x, t_w, t_b)]
        z = F.conv2d(*leaves, padding=1)
        return torch.autograd.grad(z, leaves, t_dz)[1].numpy()

    return [
        Pair(
            f"convolution by im2col, {name}",
            lambda: conv2d(x, w, b, p=1),
            forward,
            "PyTorch conv2d",
            coefficients_apart,
            1e-5,
            10.0,
        ),
        Pair(
            f"convolution with gradients, {name}",
            ours,
            theirs,
            "PyTorch conv2d and autograd",
            coefficients_apart,
            1e-4,
            10.0,
        ),
    ]
