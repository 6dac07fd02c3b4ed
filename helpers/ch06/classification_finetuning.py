# Generated from ch06/06_classification_finetuning.ipynb by `make export`: do not edit.
"""What ch06/06_classification_finetuning.ipynb exports for other notebooks."""

__all__ = ['check_lora', 'LoRALinear', 'add_lora', 'merge_lora', 'lora_state']


import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def check_lora(linear, rank, alpha):
    """Refuse what cannot be adapted, in a clear sentence."""
    if not isinstance(linear, nn.Linear):
        raise TypeError("an adapter goes around an nn.Linear, not a "
                        f"{type(linear).__name__}")
    d_out, d_in = linear.weight.shape
    if not (isinstance(rank, int) and 1 <= rank <= min(d_in, d_out)):
        raise ValueError(f"rank must be an integer from 1 to "
                         f"{min(d_in, d_out)} for a layer from {d_in} to "
                         f"{d_out}, got {rank!r}")
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha must be positive and finite, got {alpha!r}")


class LoRALinear(nn.Module):
    """A frozen linear layer plus a learned change of low rank.

    Implements (6.6.5); with B = 0 at the start it is the layer itself.

    Parameters
    ----------
    linear : nn.Linear
        The layer W (d_out, d_in); frozen here, and not copied.
    rank, alpha : int, float
        Of A (r, d_in) and B (d_out, r), and of the scale alpha / r.
    generator : torch.Generator, optional
        Draws A.
    """

    def __init__(self, linear, rank=8, alpha=16.0, generator=None):
        super().__init__()
        check_lora(linear, rank, alpha)
        d_out, d_in = linear.weight.shape
        self.linear = linear.requires_grad_(False)
        self.rank, self.scale = rank, alpha / rank
        A = torch.empty(rank, d_in).normal_(
            std=1 / math.sqrt(d_in), generator=generator)
        self.A = nn.Parameter(A.to(linear.weight))  # (r, d_in)
        self.B = nn.Parameter(linear.weight.new_zeros(d_out, rank))

    def forward(self, x):
        """Map x (..., d_in) to (..., d_out)."""
        low = F.linear(x, self.A)  # (..., r)
        return self.linear(x) + self.scale * F.linear(low, self.B)  # (6.6.5)

    @torch.no_grad()
    def merged(self):
        """Return one nn.Linear that computes the same. Implements (6.6.6)."""
        W = self.linear.weight
        merged = W + self.scale * self.B @ self.A  # (6.6.6)
        return copy.deepcopy(self.linear, {id(W): nn.Parameter(merged, False)})

    @torch.no_grad()
    def unmerge(self, layer):
        """Take this change out of a merged layer again, in place."""
        layer.weight -= self.scale * self.B @ self.A  # (6.6.6)
        return layer


def add_lora(model, targets=("qkv", "out_proj"), rank=8, alpha=16.0, seed=0):
    """Freeze a model, and put a LoRALinear around some of its layers.

    Parameters
    ----------
    model : nn.Module
        Changed in place: its other parameters are frozen too.
    targets : str or sequence of str
        Last names of the nn.Linear to adapt, such as "qkv".
    rank, alpha, seed
        As in `LoRALinear`; the seed draws the matrices A.

    Returns
    -------
    list of nn.Parameter
        The adapters' A and B, for the optimizer.
    """
    targets = {targets} if isinstance(targets, str) else set(targets)
    chosen = [(parent, name) for parent in model.modules()
              for name, child in parent.named_children()
              if name in targets and isinstance(child, nn.Linear)]
    missing = sorted(targets - {name for _, name in chosen})
    if missing or not chosen:
        raise ValueError(f"no linear layer is called {' or '.join(missing)}")
    generator = torch.Generator().manual_seed(seed)
    adapted = [LoRALinear(getattr(parent, name), rank, alpha, generator)
               for parent, name in chosen]
    model.requires_grad_(False)
    for (parent, name), layer in zip(chosen, adapted):
        setattr(parent, name, layer)
    return [p for p in model.parameters() if p.requires_grad]


def merge_lora(model):
    """Replace every LoRALinear by its merged layer, in place."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, LoRALinear):
                setattr(parent, name, child.merged())
    return model


def lora_state(model):
    """Return the adapters' parameters by name: all that must be stored.

    To use them: `add_lora`, then ``load_state_dict(state, strict=False)``.
    """
    return {f"{name}.{letter}": getattr(layer, letter).detach().clone()
            for name, layer in model.named_modules()
            if isinstance(layer, LoRALinear) for letter in "AB"}
