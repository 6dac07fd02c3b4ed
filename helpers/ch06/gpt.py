# Generated from ch06/02_gpt.ipynb by `make export`: do not edit.
"""What ch06/02_gpt.ipynb exports for other notebooks."""

__all__ = ['PAIRS', 'GPTConfig', 'FeedForward', 'Block', 'initialize', 'GPT', 'to_gpt2']


import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from helpers.ch05.attention import MultiHeadAttention


@dataclass(frozen=True)
class GPTConfig:
    """The numbers that define a GPT; those of GPT-2 small by default.

    Parameters
    ----------
    vocab_size, context_length : int
        Tokens in the vocabulary, V, and in the longest input.
    d_model, n_layers, n_heads : int
        Width C, number of blocks L, heads in each; heads divide the width.
    dropout : float
        Probability of dropping a number in training.
    qkv_bias : bool
        Whether queries, keys and values have biases.
    init_std : float
        Standard deviation s of the weights at the start.
    """

    vocab_size: int = 50257
    context_length: int = 1024
    d_model: int = 768
    n_layers: int = 12
    n_heads: int = 12
    dropout: float = 0.0
    qkv_bias: bool = True
    init_std: float = 0.02


class FeedForward(nn.Module):
    """Two layers that treat each position by itself. Part of (6.2.6)."""

    def __init__(self, config):
        super().__init__()
        C = config.d_model
        self.up = nn.Linear(C, 4 * C)
        self.down = nn.Linear(4 * C, C)

    def forward(self, x):
        """Map x (B, T, C) to (B, T, C)."""
        hidden = F.gelu(self.up(x), approximate="tanh")  # (B, T, 4C), (6.2.4)
        return self.down(hidden)  # (B, T, C)


class Block(nn.Module):
    """Attention, then two layers. Implements (6.2.5), (6.2.6).

    Parameters
    ----------
    config : GPTConfig
    """

    def __init__(self, config):
        super().__init__()
        C = config.d_model
        self.norm1 = nn.LayerNorm(C)
        self.attention = MultiHeadAttention(
            C, C, config.context_length, config.n_heads, config.dropout,
            config.qkv_bias, fused=True)
        self.norm2 = nn.LayerNorm(C)
        self.mlp = FeedForward(config)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x):
        """Map x (B, T, C) to (B, T, C); each position sees its past."""
        x = x + self.dropout(self.attention(self.norm1(x)))  # (6.2.5)
        return x + self.dropout(self.mlp(self.norm2(x)))  # (6.2.6)


def initialize(model):
    """Draw all weights of a GPT anew, from PyTorch's generator."""
    s, L = model.config.init_std, model.config.n_layers
    for name, p in model.named_parameters():
        if name.endswith(("out_proj.weight", "down.weight")):
            nn.init.normal_(p, std=s / math.sqrt(2 * L))  # (6.2.9)
        elif p.ndim == 2:
            nn.init.normal_(p, std=s)
        elif name.endswith("bias"):
            nn.init.zeros_(p)


class GPT(nn.Module):
    """GPT-2's architecture. Implements (6.2.1), (6.2.10).

    Parameters
    ----------
    config : GPTConfig

    Attributes
    ----------
    token_embedding, position_embedding : nn.Embedding
    blocks : nn.ModuleList of Block, norm : nn.LayerNorm, head : nn.Linear
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        V, C = config.vocab_size, config.d_model
        self.token_embedding = nn.Embedding(V, C)
        self.position_embedding = nn.Embedding(config.context_length, C)
        self.dropout = nn.Dropout(config.dropout)
        blocks = (Block(config) for _ in range(config.n_layers))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(C)
        self.head = nn.Linear(C, V, bias=False)
        self.head.weight = self.token_embedding.weight  # tied
        initialize(self)

    def hidden(self, ids):
        """Map ids (B, T) to what the head reads, (B, T, C)."""
        T = ids.shape[1]
        if T > self.config.context_length:
            raise ValueError(f"an input of {T} tokens is longer than "
                             f"context_length {self.config.context_length}")
        positions = torch.arange(T, device=ids.device)  # (T,)
        x = self.token_embedding(ids)  # (B, T, C)
        x = self.dropout(x + self.position_embedding(positions))  # (6.2.1)
        for block in self.blocks:
            x = block(x)  # (B, T, C)
        return self.norm(x)

    def forward(self, ids):
        """Map ids (B, T) to logits (B, T, V)."""
        return self.head(self.hidden(ids))  # (6.2.10)


PAIRS = {"norm1": "ln_1", "norm2": "ln_2", "attention.out_proj":
         "attn.c_proj", "mlp.up": "mlp.c_fc", "mlp.down": "mlp.c_proj"}


def to_gpt2(ours, n_layers):
    """Return a GPT's tensors by name as a GPT2Model names and stores them."""
    theirs = {"wte.weight": ours["token_embedding.weight"],
              "wpe.weight": ours["position_embedding.weight"]}
    for kind in ("weight", "bias"):
        theirs[f"ln_f.{kind}"] = ours[f"norm.{kind}"]
        for i in range(n_layers):
            for a, b in PAIRS.items():
                theirs[f"h.{i}.{b}.{kind}"] = ours[f"blocks.{i}.{a}.{kind}"]
            theirs[f"h.{i}.attn.c_attn.{kind}"] = torch.cat(
                [ours[f"blocks.{i}.attention.W_{name}.{kind}"]
                 for name in ("query", "key", "value")])  # (3C, C) or (3C,)
    return {name: t.T if ".c_" in name and t.ndim == 2 else t
            for name, t in theirs.items()}
