# Generated from ch06/10_scaling_out.ipynb by `make export`: do not edit.
"""What ch06/10_scaling_out.ipynb exports for other notebooks."""

__all__ = ['SIZES', 'ring_round', 'ring_all_reduce', 'ring_bytes', 'ring_seconds', 'state_bytes', 'sharded_bytes', 'Size',
           'activation_bytes', 'bubble', 'timetable', 'chinchilla', 'step_seconds']


from dataclasses import dataclass

import numpy as np


def ring_round(chunks, s, add):
    """Let each rank send one chunk to the next. Implements (6.10.4).

    Parameters
    ----------
    chunks : list of list of ndarray
        ``chunks[r][c]`` is chunk c on rank r; changed in place.
    s : int
        Number of the round.
    add : bool
        Whether the receiver adds (reduce-scatter) or replaces (all-gather).

    Returns
    -------
    int
        Bytes of the longest chunk; the round lasts as long as that takes.
    """
    R = len(chunks)
    send = [(r - s + (not add)) % R for r in range(R)]  # chunk of each rank
    sent = [chunks[r][send[r]].copy() for r in range(R)]  # before any write
    for r in range(R):
        after, c = (r + 1) % R, send[r]
        old = chunks[after][c] if add else 0.0
        chunks[after][c] = old + sent[r]  # (6.10.4)
    return max(chunk.nbytes for chunk in sent)


def ring_all_reduce(arrays):
    """Sum arrays, one on each rank, by a ring. Implements (6.10.4).

    Parameters
    ----------
    arrays : sequence of ndarray (n,)
        What each rank holds; not changed.

    Returns
    -------
    list of ndarray (n,)
        The sum, as each rank has it.
    int
        Bytes of the longest chunk of each round, summed over the rounds.
    """
    R = len(arrays)
    chunks = [np.array_split(np.array(a), R) for a in arrays]
    sent = 0
    for add in (True, False):  # reduce-scatter, then all-gather
        for s in range(R - 1):
            sent += ring_round(chunks, s, add)
    return [np.concatenate(own) for own in chunks], sent


def ring_bytes(M, R):
    """Return the bytes each of R ranks sends. Implements (6.10.5)."""
    return 2 * (R - 1) / R * M  # (6.10.5)


def ring_seconds(M, R, alpha=1e-5, beta=5e10):
    """Return the time of an all-reduce of M bytes. Implements (6.10.6)."""
    return 2 * (R - 1) * alpha + ring_bytes(M, R) / beta  # (6.10.6)


def state_bytes(N, R=1, stage=3):
    """Return bytes of weights, gradients and Adam on one of R ranks.

    Parameters
    ----------
    N, R : int
        Parameters, ranks.
    stage : {0, 1, 2, 3}
        What is sharded. Implements (6.10.7).
    """
    parts = {0: (16, 0), 1: (4, 12), 2: (2, 14), 3: (0, 16)}
    whole, shared = parts[stage]
    return whole * N + shared * N / R  # (6.10.7)


def sharded_bytes(M, R):
    """Return the bytes each rank sends in a step. Implements (6.10.8)."""
    return 3 * (R - 1) / R * M  # (6.10.8)


@dataclass(frozen=True)
class Size:
    """The shape of a Llama; `kv` is the width of keys and of values."""

    layers: int
    width: int
    heads: int
    kv: int
    hidden: int
    vocab: int
    context: int
    tied: bool = False

    @property
    def parameters(self):
        """Return N, from the shapes of all matrices and norms."""
        C = self.width
        block = 2 * C * C + 2 * C * self.kv + 3 * C * self.hidden + 2 * C
        tables = self.vocab * C * (1 if self.tied else 2)
        return self.layers * block + tables + C


SIZES = {
    "135M": Size(30, 576, 9, 192, 1536, 49152, 2048, True),
    "7B": Size(32, 4096, 32, 4096, 11008, 32000, 4096),
    "70B": Size(80, 8192, 64, 1024, 28672, 32000, 4096),
}


def activation_bytes(size, b=1, again="scores"):
    """Return bytes kept for b sequences. Implements (6.10.9).

    Parameters
    ----------
    size : Size
    b : int
        Sequences on the device at a time.
    again : {"nothing", "scores", "all"}
        What the backward pass computes again.
    """
    L, C, H, T = size.layers, size.width, size.heads, size.context
    layer = b * T * C * (34 + 5 * H * T / C)  # (6.10.9)
    if again == "all":
        return 2 * L * b * T * C + layer  # (6.10.9)
    return L * (34 * b * T * C if again == "scores" else layer)  # (6.10.9)


def bubble(p, m):
    """Return the idle share of a pipeline. Implements (6.10.10)."""
    return (p - 1) / (m + p - 1)  # (6.10.10)


def timetable(p, m):
    """Return who does what: (p, m + p - 1), j + 1 for micro-batch j, or 0."""
    table = np.zeros((p, m + p - 1), dtype=int)
    for k in range(p):
        for j in range(m):
            table[k, k + j] = j + 1
    return table


def chinchilla(N):
    """Return tokens and operations for N parameters: (6.10.11)."""
    return 20 * N, 120 * N**2  # (6.10.11)


def step_seconds(N, R, tokens=4e6, speed=4e14, alpha=1e-5, beta=5e10):
    """Return seconds of work and of talk in a step. Implements (6.10.12).

    Parameters
    ----------
    N, R : int
        Parameters, devices.
    tokens : float
        Tokens in the step, over all devices.
    speed, alpha, beta : float
        Operations a second; seconds a message; bytes a second.
    """
    work = 6 * N * tokens / (R * speed)  # (6.10.12)
    return work, ring_seconds(2 * N, R, alpha, beta)  # (6.10.12)
