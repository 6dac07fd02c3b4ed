"""Chapter 5 beside PyTorch: recurrent cells and attention, forward and backward."""

from __future__ import annotations

import torch
from torch import nn

from helpers.benchmarks import Pair, coefficients_apart
from helpers.ch05.attention import MultiHeadAttention
from helpers.ch05.recurrent_networks import LSTM

LSTM_SIZES = ((32, 16, 64, 256), (64, 32, 64, 256))  # T, B, inputs, state
ATTENTION_SIZES = ((8, 64, 128), (4, 256, 128), (1, 1_024, 128))  # B, T, C


def pairs(lstm_sizes=LSTM_SIZES, attention_sizes=ATTENTION_SIZES) -> list[Pair]:
    """Return the pairs of chapter 5.

    Parameters
    ----------
    lstm_sizes : sequence of tuple of int
        Steps, sequences, numbers per input and per state; smaller in tests.
    attention_sizes : sequence of tuple of int
        Sequences, tokens and width; smaller in tests.

    Returns
    -------
    list of Pair
        In the order of the notebooks; attention step by step, then through the
        fused kernel.
    """
    found = [_lstm(*size) for size in lstm_sizes]
    for size in attention_sizes:
        found += [_attention(*size, fused=fused) for fused in (False, True)]
    return found


def _lstm(T, B, d, H):
    """Pair the gradients at the recurrent weights, from the same weights and input."""
    gen = torch.Generator().manual_seed(0)
    x = torch.randn(T, B, d, generator=gen)  # (T, B, d)
    theirs, ours = nn.LSTM(d, H), LSTM(d, H)
    with torch.no_grad():
        ours.Wx.copy_(theirs.weight_ih_l0)
        ours.Wh.copy_(theirs.weight_hh_l0)
        ours.b.copy_(theirs.bias_ih_l0 + theirs.bias_hh_l0)

    def run(layer, weight):
        layer.zero_grad()
        states, _ = layer(x)  # (T, B, H)
        states.square().mean().backward()
        return weight.grad.numpy().copy()

    return Pair(
        f"LSTM forward and backward, T = {T}, B = {B}, H = {H}",
        lambda: run(ours, ours.Wh),
        lambda: run(theirs, theirs.weight_hh_l0),
        "PyTorch nn.LSTM",
        coefficients_apart,
        1e-4,
        3.0,
    )


def _attention(B, T, C, *, fused, heads=4):
    """Pair the gradients at the input, from the same weights."""
    torch.manual_seed(0)
    ours = MultiHeadAttention(C, C, T, heads, qkv_bias=True, fused=fused)
    theirs = nn.MultiheadAttention(C, heads, batch_first=True)
    layers = ours.W_query, ours.W_key, ours.W_value
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([layer.weight for layer in layers]))
        theirs.in_proj_bias.copy_(torch.cat([layer.bias for layer in layers]))
    theirs.out_proj.load_state_dict(ours.out_proj.state_dict())
    x = torch.randn(B, T, C, requires_grad=True)
    blocked = ~ours.mask

    def slopes(forward):
        x.grad = None
        forward().square().sum().backward()
        return x.grad.numpy()

    def reference():
        # with these two arguments PyTorch takes its own fused path
        return theirs(x, x, x, attn_mask=blocked, need_weights=False, is_causal=True)[0]

    return Pair(
        f"attention{', fused' if fused else ''}, {B} × {T:,} × {C}",
        lambda: slopes(lambda: ours(x)),
        lambda: slopes(reference),
        "PyTorch nn.MultiheadAttention",
        coefficients_apart,
        1e-4,
        1.5 if fused else 6.0,
    )
