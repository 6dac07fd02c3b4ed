# Generated from ch05/02_attention.ipynb by `make export`: do not edit.
"""What ch05/02_attention.ipynb exports for other notebooks."""

__all__ = ['attention', 'MultiHeadAttention']


import math

import torch
import torch.nn.functional as F
from torch import nn


def attention(q, k, v, mask=None, dropout=0.0):
    """Look up values by scaled dot products. Implements (5.2.13), (5.2.15).

    Parameters
    ----------
    q : Tensor (..., T, D), k : Tensor (..., S, D), v : Tensor (..., S, E)
        Queries, keys and values; leading axes broadcast.
    mask : Tensor of bool, broadcast to (..., T, S), optional
        True where a query may look. A query that may look nowhere gets zeros.
    dropout : float
        Probability of dropping a weight; pass 0 outside training.

    Returns
    -------
    output : Tensor (..., T, E), weights : Tensor (..., T, S)
    """
    scores = (q / math.sqrt(q.shape[-1])) @ k.mT  # (..., T, S)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)  # (5.2.15)
    weights = scores.softmax(dim=-1)  # (..., T, S)
    if mask is not None:  # a row without any True is NaN here: make it 0
        weights = weights.masked_fill(~mask, 0.0)
    weights = F.dropout(weights, dropout)  # (5.2.20)
    return weights @ v, weights  # (..., T, E), (5.2.13)


class MultiHeadAttention(nn.Module):
    """Causal self-attention with several heads. Implements (5.2.21).

    Parameters
    ----------
    d_in, d_out : int
        Numbers per token that come in and go out.
    context_length, num_heads : int
        Longest input; number of heads, each of D = d_out / num_heads.
    dropout : float
        Probability of dropping a weight in training.
    qkv_bias, fused : bool
        Whether queries, keys and values have a bias; whether PyTorch's fused
        kernel does the work of `attention`.
    """

    def __init__(self, d_in, d_out, context_length, num_heads, dropout=0.0,
                 qkv_bias=False, fused=False):
        super().__init__()
        if num_heads < 1 or d_out % num_heads:
            raise ValueError(f"d_out {d_out} is not divisible by num_heads "
                             f"{num_heads}")
        self.num_heads, self.context_length = num_heads, context_length
        self.dropout, self.fused = dropout, fused
        self.W_query = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_key = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.W_value = nn.Linear(d_in, d_out, bias=qkv_bias)
        self.out_proj = nn.Linear(d_out, d_out)
        past = torch.ones(context_length, context_length).tril().bool()
        self.register_buffer("mask", past, persistent=False)

    def split(self, x):
        """Give each head its numbers: (B, T, H D) to (B, H, T, D)."""
        return x.unflatten(2, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, x):
        """Map x (B, T, d_in) to (B, T, d_out); each token sees its past."""
        T = x.shape[1]
        if T > self.context_length:
            raise ValueError(f"an input of {T} tokens is longer than "
                             f"context_length {self.context_length}")
        q, k, v = (self.split(W(x))  # (B, H, T, D) each
                   for W in (self.W_query, self.W_key, self.W_value))
        p = self.dropout if self.training else 0.0
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, None, p, True)
        else:
            y, _ = attention(q, k, v, self.mask[:T, :T], p)  # (B, H, T, D)
        return self.out_proj(y.transpose(1, 2).flatten(2))  # (5.2.21)
