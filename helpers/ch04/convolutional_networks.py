# Generated from ch04/06_convolutional_networks.ipynb by `make export`: do not edit.
"""What ch04/06_convolutional_networks.ipynb exports for other notebooks."""

__all__ = ['output_size', 'framed', 'windows', 'im2col', 'conv2d', 'col2im', 'conv2d_backward', 'ResidualBlock', 'SmallCNN',
           'warp', 'random_affine', 'train_cnn']


import math

import numpy as np
import torch
import torch.nn.functional as F
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn
from torch.utils.data import DataLoader

from helpers.ch04.training_in_pytorch import fit, seed_everything


def output_size(n, k, s=1, p=0):
    """Return the number of windows along a side of n pixels. (4.6.4)"""
    if n + 2 * p < k:
        raise ValueError(f"a kernel of {k} does not fit {n} + 2·{p} pixels")
    return (n + 2 * p - k) // s + 1  # (4.6.4)


def framed(x, p):
    """Return x (B, C, n, n) with p zeros on each side."""
    return np.pad(x, [(0, 0), (0, 0), (p, p), (p, p)])


def windows(x, k, s=1):
    """Show all windows of x (B, C, n, n) as a view (B, C, m, m, k, k)."""
    view = sliding_window_view(x, (k, k), axis=(2, 3))
    return view[:, :, ::s, ::s]


def im2col(x, k, s=1, p=0):
    """Lay the windows out as columns, shape (B, C k², m²). (4.6.5)"""
    view = windows(framed(x, p), k, s)  # (B, C, m, m, k, k)
    cols = view.transpose(0, 1, 4, 5, 2, 3)  # (B, C, k, k, m, m)
    return cols.reshape(len(x), x.shape[1] * k * k, -1)  # (B, C k², m²)


def conv2d(x, w, b, s=1, p=0):
    """Apply a convolutional layer. Implements (4.6.5).

    Parameters
    ----------
    x : ndarray (B, C, n, n)
    w : ndarray (O, C, k, k)
    b : ndarray (O,)
    s, p : int
        Stride and padding.

    Returns
    -------
    ndarray (B, O, m, m)
    """
    O, _, k, _ = w.shape
    m = output_size(x.shape[2], k, s, p), output_size(x.shape[3], k, s, p)
    cols = im2col(x, k, s, p)  # (B, C k², m²)
    z = w.reshape(O, -1) @ cols + np.reshape(b, (O, 1))  # (4.6.5)
    return z.reshape(len(x), O, *m)  # (B, O, m, m)


def col2im(dcols, shape, k, s=1, p=0):
    """Add columns (B, C k², m²) back into images of `shape`. (4.6.7)"""
    B, C, H, W = shape
    h, w = output_size(H, k, s, p), output_size(W, k, s, p)
    dcols = dcols.reshape(B, C, k, k, h, w)
    dx = np.zeros((B, C, H + 2 * p, W + 2 * p), dcols.dtype)
    for u, v in np.ndindex(k, k):
        part = dx[:, :, u : u + s * h : s, v : v + s * w : s]
        part += dcols[:, :, u, v]  # (B, C, h, w), (4.6.7)
    return dx[:, :, p : p + H, p : p + W]  # (B, C, H, W)


def conv2d_backward(dz, x, w, s=1, p=0):
    """Return the slopes dx, dw, db of the loss, given dz (B, O, m, m)."""
    B, (O, _, k, _) = len(x), w.shape
    dz = dz.reshape(B, O, -1)  # (B, O, m²)
    cols = im2col(x, k, s, p)  # (B, C k², m²)
    dw = np.sum(dz @ cols.transpose(0, 2, 1), axis=0)  # (O, C k²), (4.6.6)
    dcols = w.reshape(O, -1).T @ dz  # (B, C k², m²)
    dx = col2im(dcols, x.shape, k, s, p)  # (4.6.7)
    return dx, dw.reshape(w.shape), dz.sum(axis=(0, 2))  # (4.6.6)


class ResidualBlock(nn.Module):
    """Add a learned correction to maps (B, C, n, n). Implements (4.6.12)."""

    def __init__(self, channels):
        super().__init__()
        self.correction = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        """Return maps of the same shape."""
        return x + self.correction(x)  # (4.6.12)


class SmallCNN(nn.Module):
    """Read digits from images (B, 1, 28, 28). Implements (4.6.13)."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2, bias=False),  # (B, 16, 28, 28)
            nn.MaxPool2d(2),  # (B, 16, 14, 14)
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1, bias=False),  # (B, 32, 14, 14)
            nn.MaxPool2d(2),  # (B, 32, 7, 7)
            nn.BatchNorm2d(32),
            nn.ReLU(),
            ResidualBlock(32),
            nn.Conv2d(32, 64, 3, padding=1, bias=False),  # (B, 64, 7, 7)
            nn.BatchNorm2d(64),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, 10)

    def features(self, x):
        """Return the strongest answer of each map, shape (B, 64)."""
        return self.body(x).amax(dim=(2, 3))  # (4.6.13)

    def forward(self, x):
        """Return the scores of the ten digits, shape (B, 10)."""
        return self.head(self.features(x))  # (4.6.13)


def warp(x, A, t):
    """Warp images x (B, C, n, n) by A (B, 2, 2), t (B, 2). (4.6.14)"""
    t = 2 / x.shape[-1] * t  # (B, 2), from pixels to half widths
    theta = torch.cat([A, t[:, :, None]], dim=2)  # (B, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)  # (B, C, n, n)


def random_affine(x, generator, turn=10, slant=0.1, size=0.1, shift=2):
    """Distort each image x (B, 1, n, n) at random. Implements (4.6.14).

    Parameters
    ----------
    x : Tensor (B, 1, n, n)
    generator : torch.Generator
    turn, slant, size, shift : float
        Largest turn in degrees, slant, relative change of size, and shift in
        pixels.

    Returns
    -------
    Tensor (B, 1, n, n)
    """
    draws = 2 * torch.rand(5, len(x), generator=generator) - 1  # (5, B)
    angle, h = math.radians(turn) * draws[0], slant * draws[1]  # (B,), (B,)
    c, s = torch.cos(angle), torch.sin(angle)  # (B,), (B,)
    A = torch.stack([c, h * c - s, s, h * s + c])  # (4, B): turn times slant
    A = (1 + size * draws[2]) * A  # (4, B)
    return warp(x, A.T.reshape(-1, 2, 2), shift * draws[3:].T)


def train_cnn(X, y, *, seed=0, epochs=14, augment=random_affine, lr=4e-3):
    """Train a SmallCNN on images X (n, 1, 28, 28) in 0 … 1, labels y (n,).

    Parameters
    ----------
    X, y : Tensor
        float32 and int64, all in memory.
    seed, epochs : int
    augment : callable or None
        Of (batch, generator), such as `random_affine`.
    lr : float
        The largest learning rate of the cycle.

    Returns
    -------
    SmallCNN
        In evaluation mode.
    """
    seed_everything(seed)
    generator = torch.Generator().manual_seed(seed)

    def batch(rows):
        x = X[rows]  # (32, 1, n, n)
        return x if augment is None else augment(x, generator), y[rows]

    net = SmallCNN().to(memory_format=torch.channels_last)
    loader = DataLoader(range(len(X)), 32, shuffle=True,
                        generator=generator, collate_fn=batch)
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=1e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=epochs * len(loader))
    fit(net, loader, optimizer, epochs=epochs, scheduler=cycle)
    return net.eval()
