# Generated from ch05/01_recurrent_networks.ipynb by `make export`: do not edit.
"""What ch05/01_recurrent_networks.ipynb exports for other notebooks."""

__all__ = ['uniform', 'LSTM', 'GRU', 'encode', 'discounts', 'count_grams', 'look_up', 'KneserNey', 'CharLSTM', 'streams',
           'token_nats', 'lstm_nats', 'train_lstm']


import time

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn

from helpers import progress


def uniform(H, *shape):
    """Return a parameter drawn between -1/√H and 1/√H, PyTorch's start."""
    return nn.Parameter(torch.empty(shape).uniform_(-(H**-0.5), H**-0.5))


class LSTM(nn.Module):
    """One layer of long short-term memory. Implements (5.1.14) to (5.1.16).

    Parameters
    ----------
    d, H : int
        Inputs and state size.

    Attributes
    ----------
    Wx : Parameter (4H, d), Wh : Parameter (4H, H), b : Parameter (4H,)
        Rows in PyTorch's order: input, forget, candidate, output.
    """

    def __init__(self, d, H):
        super().__init__()
        self.Wx = uniform(H, 4 * H, d)
        self.Wh = uniform(H, 4 * H, H)
        self.b = uniform(H, 4 * H)

    def forward(self, x, state=None):
        """Return all states (T, B, H) and the last (h, c) for x (T, B, d)."""
        zero = x.new_zeros(x.shape[1], self.Wh.shape[1])  # (B, H)
        h, c = (zero, zero) if state is None else state
        states = []
        for u in x @ self.Wx.T + self.b:  # (B, 4H), T times
            a = u + h @ self.Wh.T  # (B, 4H), (5.1.14)
            i, f, g, o = a.chunk(4, dim=1)  # (B, H) each
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()  # (5.1.15)
            h = o.sigmoid() * c.tanh()  # (5.1.16)
            states.append(h)
        return torch.stack(states), (h, c)  # (T, B, H)


class GRU(nn.Module):
    """One layer of gated recurrent units. Implements (5.1.18) and (5.1.19).

    Parameters
    ----------
    d, H : int
        Inputs and state size.

    Attributes
    ----------
    Wx : Parameter (3H, d), Wh : Parameter (3H, H), b, c : Parameter (3H,)
        Rows in PyTorch's order: reset gate, update gate, candidate.
    """

    def __init__(self, d, H):
        super().__init__()
        self.Wx = uniform(H, 3 * H, d)
        self.Wh = uniform(H, 3 * H, H)
        self.b = uniform(H, 3 * H)
        self.c = uniform(H, 3 * H)

    def forward(self, x, h=None):
        """Return all states (T, B, H) and the last (B, H) for x (T, B, d)."""
        if h is None:
            h = x.new_zeros(x.shape[1], self.Wh.shape[1])  # (B, H)
        states = []
        for u in x @ self.Wx.T + self.b:  # (B, 3H), T times
            u_r, u_z, u_n = u.chunk(3, dim=1)  # (B, H) each
            v_r, v_z, v_n = (h @ self.Wh.T + self.c).chunk(3, dim=1)  # (B, H)
            r, z = (u_r + v_r).sigmoid(), (u_z + v_z).sigmoid()  # (5.1.18)
            n = (u_n + r * v_n).tanh()  # (B, H), (5.1.19)
            h = (1 - z) * n + z * h  # (5.1.19)
            states.append(h)
        return torch.stack(states), h  # (T, B, H)


def encode(text, alphabet):
    """Return the place of each character in a sorted alphabet, shape (N,).

    Raises
    ------
    ValueError
        When a character is not in the alphabet.
    """
    known, letters = (np.frombuffer("".join(s).encode("utf-32-le"), np.uint32)
                      for s in (sorted(alphabet), text))  # (V,), (N,)
    ids = np.searchsorted(known, letters).clip(max=len(known) - 1)
    if (known[ids] != letters).any():
        raise ValueError(f"not in the alphabet: {set(text) - set(alphabet)}")
    return ids


def discounts(c, three):
    """Return what to take from counts c (m,), by (5.1.23) or (5.1.24)."""
    n = np.array([np.sum(c == k) for k in (1, 2, 3, 4)])
    D = np.full(3, n[0] / (n[0] + 2 * n[1]) if n[0] else 0.5)  # (5.1.23)
    if three and n.min() > 0:
        k = np.arange(1, 4)
        D_k = k - (k + 1) * D * n[1:] / n[:3]  # (3,), (5.1.24)
        D = D_k if D_k.min() > 0 else D
    return D[np.minimum(c, 3) - 1]  # (m,)


def count_grams(ids, V, order, three=True):
    """Count all grams of 1 … order tokens. Implements (5.1.22) to (5.1.25).

    Parameters
    ----------
    ids : ndarray of int64 (N,)
        Tokens in 0 … V - 1.
    V, order : int
        Size of the alphabet; length of the longest grams.
    three : bool
        Whether to take three discounts instead of one.

    Returns
    -------
    list of tuple
        For each length: codes of the grams, sorted; what is left of their
        counts; codes of the contexts, sorted; their totals; what was taken.
    """
    code = np.zeros(len(ids) - order + 1, dtype=np.int64)
    for j in range(order):
        code = code * V + ids[j : j + len(code)]  # (5.1.25)
    grams, levels = code, []
    for k in range(order, 0, -1):
        grams, c = np.unique(grams % V**k, return_counts=True)  # (5.1.22)
        contexts, first = np.unique(grams // V, return_index=True)  # (5.1.25)
        D = discounts(c, three)
        total, taken = np.add.reduceat(c, first), np.add.reduceat(D, first)
        levels.append((grams, c - D, contexts, total, taken))
    return levels[::-1]


def look_up(codes, wanted):
    """Return where each wanted code stands among sorted codes, and whether."""
    place = np.searchsorted(codes, wanted).clip(max=len(codes) - 1)
    return place, codes[place] == wanted


class KneserNey:
    """Interpolated Kneser–Ney model of integer tokens. Implements (5.1.21).

    Parameters
    ----------
    order : int
        Length of the longest grams: a context has ``order - 1`` tokens.
    three : bool
        Whether to take three discounts (5.1.24) instead of one (5.1.23).
    """

    def __init__(self, order=6, three=True):
        self.order, self.three = order, three

    def fit(self, ids, V):
        """Count tokens ``ids`` (N,), each in 0 … V - 1; return the model."""
        ids = np.asarray(ids, dtype=np.int64)
        if len(ids) < self.order or ids.min() < 0 or ids.max() >= V:
            raise ValueError(f"need {self.order} tokens, all in 0 … {V - 1}")
        if V**self.order >= 2**63:
            raise ValueError(f"{V}**{self.order} does not fit into 64 bits")
        self.V_ = V
        self.levels_ = count_grams(ids, V, self.order, self.three)
        return self

    def _blend(self, level, code, p):
        grams, kept, contexts, total, taken = level
        i, seen = look_up(grams, code)
        j, known = look_up(contexts, code // self.V_)
        q = (np.where(seen, kept[i], 0) + taken[j] * p) / total[j]  # (5.1.21)
        return np.where(known, q, p)

    def log_prob(self, ids):
        """Return ln p of each token, given those before it, shape (N,)."""
        ids = np.asarray(ids, dtype=np.int64)
        code, p = np.zeros_like(ids), np.full(len(ids), 1 / self.V_)
        for k, level in enumerate(self.levels_[: len(ids)]):
            code[k:] += ids[: len(ids) - k] * self.V_**k  # (5.1.25)
            p[k:] = self._blend(level, code[k:], p[k:])
        return np.log(p)

    def distribution(self, context):
        """Return p(w | context) for all tokens w, shape (V,)."""
        code, p = np.arange(self.V_), np.full(self.V_, 1 / self.V_)
        for k, level in enumerate(self.levels_[: len(context) + 1]):
            code = code + (int(context[-k]) * self.V_**k if k else 0)
            p = self._blend(level, code, p)
        return p

    def nats(self, ids):
        """Return the mean of -ln p over the tokens. Implements (5.1.20)."""
        return -self.log_prob(ids).mean()


class CharLSTM(nn.Module):
    """Language model: embedding, one LSTM layer, scores for the next token.

    Parameters
    ----------
    V : int
        Size of the alphabet.
    width, d : int
        Size of the state and of the embedding.
    """

    def __init__(self, V, width=256, d=64):
        super().__init__()
        self.embedding = nn.Embedding(V, d)
        self.lstm = nn.LSTM(d, width, batch_first=True)
        self.head = nn.Linear(width, V)

    def forward(self, x, state=None):
        """Return scores (B, T, V) and the last state for tokens x (B, T)."""
        h, state = self.lstm(self.embedding(x), state)  # (B, T, H)
        return self.head(h), state  # (B, T, V)


def streams(ids, B):
    """Cut tokens (N,) into B pieces: inputs and next tokens, each (B, L)."""
    ids = torch.as_tensor(np.asarray(ids))
    L = (len(ids) - 1) // B
    return ids[: B * L].view(B, L), ids[1 : B * L + 1].view(B, L)


@torch.no_grad()
def token_nats(model, ids, B=1):
    """Return -ln p of every next token, read as B pieces, (B, L)."""
    x, y = streams(ids, B)  # (B, L)
    state, found = None, []
    for x_w, y_w in zip(x.split(512, dim=1), y.split(512, dim=1)):
        logits, state = model(x_w, state)  # (B, 512, V)
        found.append(F.cross_entropy(logits.mT, y_w, reduction="none"))
    return torch.cat(found, dim=1)  # (B, L)


def lstm_nats(model, ids, B=16):
    """Return the mean loss on tokens (N,), read as B pieces."""
    return token_nats(model, ids, B).mean().item()  # (5.1.20)


def train_lstm(model, ids, steps, B=16, T=32, eta=4e-3, clip=1.0,
               probe=None, every=500):
    """Train by truncated backpropagation through time. Implements (5.1.26).

    Parameters
    ----------
    model : CharLSTM
    ids : array_like (N,)
        Tokens.
    steps, B, T : int
        Number of windows; pieces read side by side; length of a window.
    eta, clip : float
        Peak of the learning rate; largest norm of the gradient.
    probe : callable, optional
        Called with the model after so many steps (``every``), off the clock.

    Returns
    -------
    DataFrame
        Columns step, seconds (CPU), loss (of the window, nats), probe.
    """
    x, y = streams(ids, B)  # (B, L)
    optimizer = torch.optim.AdamW(model.parameters(), lr=eta)
    rows, state, at, seconds, start = [], None, 0, 0.0, time.process_time()
    for step in progress.bar(range(1, steps + 1), description="LSTM"):
        if at + T > x.shape[1]:
            at, state = 0, None  # the text is over: begin again
        logits, state = model(x[:, at : at + T], state)  # (B, T, V)
        state = [s.detach() for s in state]  # (5.1.26)
        target = y[:, at : at + T].flatten()  # (B T,)
        loss = F.cross_entropy(logits.flatten(0, 1), target)  # (5.1.20)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), clip)  # (5.1.13)
        rate = min(step / 50, (1 + np.cos(np.pi * step / steps)) / 2)
        optimizer.param_groups[0]["lr"] = eta * rate
        optimizer.step()
        at += T
        if step % every == 0:
            seconds += time.process_time() - start
            score = probe(model) if probe else np.nan
            rows.append((step, seconds, loss.item(), score))
            start = time.process_time()
    return pd.DataFrame(rows, columns=["step", "seconds", "loss", "probe"])
