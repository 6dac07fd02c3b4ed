# Generated from ch05/05_generative_adversarial_networks.ipynb by `make export`: do not edit.
"""What ch05/05_generative_adversarial_networks.ipynb exports for other notebooks."""

__all__ = ['root', 'frechet_of', 'frechet']


import numpy as np


def root(S):
    """Return the symmetric square root of a covariance S (d, d)."""
    lam, Q = np.linalg.eigh(S)  # (d,), (d, d)
    return Q * np.sqrt(lam.clip(0)) @ Q.T  # clipped: rounding below zero


def frechet_of(mu, S, nu, T):
    """Return the squared Fréchet distance of N(mu, S) and N(nu, T).

    Implements (5.5.14). Means have shape (d,), covariances (d, d).
    """
    R = root(S)  # (d, d)
    cross = np.trace(root(R @ T @ R))
    gap = np.sum((mu - nu) ** 2)
    return gap + np.trace(S) + np.trace(T) - 2 * cross  # (5.5.14)


def frechet(A, B):
    """Return the squared distance of the Gaussians of A (n, d), B (m, d)."""
    return frechet_of(A.mean(axis=0), np.cov(A.T), B.mean(axis=0), np.cov(B.T))
