# Generated from ch05/04_variational_autoencoders.ipynb by `make export`: do not edit.
"""What ch05/04_variational_autoencoders.ipynb exports for other notebooks."""

__all__ = ['gaussian_kl', 'log_likelihood', 'negative_elbo', 'VAE', 'binarized', 'train_vae']


from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

from helpers import data
from helpers.ch04.training_in_pytorch import fit, seed_everything


def gaussian_kl(mu, log_var):
    """Return KL(N(μ, σ²) ‖ N(0, I)) over the last axis. Implements (5.4.9)."""
    return 0.5 * (mu**2 + log_var.exp() - 1 - log_var).sum(dim=-1)


def log_likelihood(logits, x):
    """Return log p(x | z) of images (..., d). Implements (5.4.13)."""
    return (x * logits - F.softplus(logits)).sum(dim=-1)


def negative_elbo(output, x, beta=1.0):
    """Return the loss of a VAE's output on x (B, d). Implements (5.4.14)."""
    logits, mu, log_var = output  # (B, d), (B, k), (B, k)
    kl = gaussian_kl(mu, log_var)  # (B,)
    return (beta * kl - log_likelihood(logits, x)).mean()  # (5.4.14)


class VAE(nn.Module):
    """A variational autoencoder of binary images.

    Parameters
    ----------
    latent : int
        Length k of the code.
    hidden : tuple of int
        Widths of the encoder's hidden layers; the decoder mirrors them.
    d : int
        Number of pixels.
    """

    def __init__(self, latent=16, hidden=(400,), d=784):
        super().__init__()
        self.latent = latent
        self.encoder = self._layers(d, *hidden, 2 * latent)
        self.decoder = self._layers(latent, *hidden[::-1], d)

    def _layers(self, *sizes):
        layers = []
        for n_in, n_out in pairwise(sizes):
            layers += [nn.Linear(n_in, n_out), nn.ReLU()]
        return nn.Sequential(*layers[:-1])

    def encode(self, x):
        """Return mean and log variance of q(z | x), (B, k) each."""
        return self.encoder(x).chunk(2, dim=-1)  # (B, 2k) to (B, k) twice

    def decode(self, z):
        """Return the logits of p(x | z), (B, d)."""
        return self.decoder(z)

    def forward(self, x):
        """Return logits (B, d), mu and log_var (B, k), from one draw of z."""
        mu, log_var = self.encode(x)
        z = mu + (log_var / 2).exp() * torch.randn_like(mu)  # (5.4.10)
        return self.decode(z), mu, log_var

    @torch.no_grad()
    def sample(self, n, generator=None):
        """Draw n codes from the prior; return pixel probabilities (n, d)."""
        z = torch.randn(n, self.latent, generator=generator)  # (n, k)
        return self.decode(z).sigmoid()


def binarized(X, batch_size=100):
    """Return a DataLoader of pairs (x, x), pixels drawn anew from grays X."""
    grays = torch.as_tensor(X, dtype=torch.float32)  # (n, d)

    def draw(rows):
        x = torch.bernoulli(torch.stack(rows))  # (B, d)
        return x, x

    return DataLoader(grays, batch_size, shuffle=True, collate_fn=draw)


def train_vae(seed=0, *, build=VAE, loss=negative_elbo, epochs=30, eta=5e-3):
    """Train on the 4,000 training digits of MNIST-5k, drawn anew each epoch.

    Parameters
    ----------
    seed : int
        Decides weights, order, pixels and noise; seeds the global generators.
    build : callable
        Makes the model, without arguments.
    loss : callable
        Of ``(model(x), x)``, as `negative_elbo`.
    epochs, eta : int, float
        Passes; the peak of the one-cycle schedule of Adam's learning rate.

    Returns
    -------
    model : nn.Module
    history : History
        As `fit` returns it.
    """
    seed_everything(seed)
    model, loader = build(), binarized(data.mnist5k_split().X_train)
    optimizer = torch.optim.Adam(model.parameters(), eta)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, eta, total_steps=epochs * len(loader), pct_start=0.1)
    return model, fit(model, loader, optimizer, epochs=epochs, loss=loss,
                      scheduler=schedule)
