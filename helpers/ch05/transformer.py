# Generated from ch05/03_transformer.ipynb by `make export`: do not edit.
"""What ch05/03_transformer.ipynb exports for other notebooks."""

__all__ = ['PAD', 'GO', 'END', 'LONGEST', 'sinusoidal', 'LayerNorm', 'Attention', 'Residual', 'EncoderLayer', 'DecoderLayer',
           'Transformer', 'batch', 'Words', 'greedy', 'exact_match', 'token_loss', 'train']


import time

import torch
import torch.nn.functional as F
from torch import nn

from helpers.ch04.training_in_pytorch import fit
from helpers.ch05.attention import MultiHeadAttention, attention


def sinusoidal(T, C):
    """Return a vector for each place, (T, C), C even. Implements (5.3.5)."""
    omega = 10000.0 ** (-torch.arange(0, C, 2) / C)  # (C/2,)
    angle = torch.arange(T)[:, None] * omega  # (T, C/2)
    return torch.stack([angle.sin(), angle.cos()], -1).flatten(1)  # (T, C)


class LayerNorm(nn.Module):
    """Normalize each token by itself. Implements (5.3.7) and (5.3.8).

    Parameters
    ----------
    C : int
        Numbers per token, the last axis of the input.
    eps : float
        Added to the variance, under the root.
    """

    def __init__(self, C, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(C))  # gamma
        self.bias = nn.Parameter(torch.zeros(C))  # beta

    def forward(self, x):
        """Map x (..., C) to (..., C)."""
        mu = x.mean(-1, keepdim=True)  # (..., 1), (5.3.7)
        v = (x - mu).square().mean(-1, keepdim=True)  # (..., 1), (5.3.7)
        x_hat = (x - mu) / torch.sqrt(v + self.eps)  # (..., C)
        return self.weight * x_hat + self.bias  # (5.3.8)


class Attention(MultiHeadAttention):
    """Let a sequence look at another one, or at itself.

    Parameters
    ----------
    C, num_heads : int
        Numbers per token; heads, which divide them.
    dropout : float
        Probability of dropping a weight in training.
    """

    def __init__(self, C, num_heads, dropout=0.0):
        super().__init__(C, C, 0, num_heads, dropout, True, fused=True)

    def forward(self, x, memory, mask=None):
        """Map x (B, T, C), memory (B, S, C) to (B, T, C).

        `mask` broadcasts to (B, H, T, S), true where x may look. Without the
        fused kernel, the weights (B, H, T, S) are kept in `self.weights`.
        """
        pairs = zip((self.W_query, self.W_key, self.W_value),
                    (x, memory, memory))
        q, k, v = (self.split(W(source))  # (B, H, T or S, D) each
                   for W, source in pairs)
        p = self.dropout if self.training else 0.0
        if self.fused:
            y = F.scaled_dot_product_attention(q, k, v, mask, p)
        else:
            y, self.weights = attention(q, k, v, mask, p)  # (B, H, T, D)
        return self.out_proj(y.transpose(1, 2).flatten(2))  # (B, T, C)


class Residual(nn.Module):
    """Add what a step says to the stream, by (5.3.9) or (5.3.10).

    Parameters
    ----------
    C : int
        Numbers per token.
    dropout : float
        Probability of dropping a number of what the step says, in training.
    norm_first : bool
        Pre-norm, else post-norm.
    """

    def __init__(self, C, dropout=0.0, norm_first=True):
        super().__init__()
        self.norm, self.dropout = nn.LayerNorm(C), nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x, f):
        """Map x (B, T, C) to (B, T, C); f does the same."""
        if self.norm_first:
            return x + self.dropout(f(self.norm(x)))  # (5.3.10)
        return self.norm(x + self.dropout(f(x)))  # (5.3.9)


class EncoderLayer(nn.Module):
    """Look at all tokens, then think.

    Parameters
    ----------
    C, num_heads, hidden : int
        Numbers per token, heads, hidden units of the small network.
    dropout, norm_first
        As in `Residual`; `dropout` acts on attention weights as well.
    """

    def __init__(self, C, num_heads, hidden, dropout=0.0, norm_first=True):
        super().__init__()
        self.attention = Attention(C, num_heads, dropout)
        self.mlp = nn.Sequential(nn.Linear(C, hidden), nn.ReLU(),
                                 nn.Dropout(dropout), nn.Linear(hidden, C))
        self.steps = nn.ModuleList(Residual(C, dropout, norm_first)
                                   for _ in range(2))

    def forward(self, x, mask=None):
        """Map x (B, T, C) to (B, T, C); `mask` as in `Attention`."""
        x = self.steps[0](x, lambda n: self.attention(n, n, mask))
        return self.steps[1](x, self.mlp)


class DecoderLayer(nn.Module):
    """Look at the past, at the memory, then think. Implements (5.3.13).

    Parameters
    ----------
    C, num_heads, hidden, dropout, norm_first
        As in `EncoderLayer`.
    """

    def __init__(self, C, num_heads, hidden, dropout=0.0, norm_first=True):
        super().__init__()
        self.attention = Attention(C, num_heads, dropout)
        self.cross = Attention(C, num_heads, dropout)
        self.mlp = nn.Sequential(nn.Linear(C, hidden), nn.ReLU(),
                                 nn.Dropout(dropout), nn.Linear(hidden, C))
        self.steps = nn.ModuleList(Residual(C, dropout, norm_first)
                                   for _ in range(3))

    def forward(self, x, memory, mask=None):
        """Map x (B, T, C), memory (B, S, C) to (B, T, C)."""
        T = x.shape[1]
        past = torch.ones(T, T, device=x.device).tril().bool()  # (T, T)
        x = self.steps[0](x, lambda n: self.attention(n, n, past))
        x = self.steps[1](x, lambda n: self.cross(n, memory, mask))
        return self.steps[2](x, self.mlp)  # (5.3.13)


PAD, GO, END = 0, 1, 2  # filler; start of the answer; end of any word


class Transformer(nn.Module):
    """Read a sequence, write another one; pre-norm.

    Parameters
    ----------
    V, C, num_heads, hidden, n_layers : int
        Tokens, numbers per token, heads, hidden units, layers per stack.
    positions : {"sinusoidal", "learned", None}
        What tells the places; None: the source has no positions.
    max_length : int
        Longest sequence.
    """

    def __init__(self, V, C=64, num_heads=4, hidden=128, n_layers=1,
                 positions="sinusoidal", max_length=32):
        super().__init__()
        self.embedding, self.head = nn.Embedding(V, C), nn.Linear(C, V)
        table = sinusoidal(max_length, C)  # (L, C)
        learned, self.ordered = positions == "learned", positions is not None
        self.table = (nn.Parameter(torch.randn_like(table)) if learned
                      else nn.Buffer(table, persistent=False))
        sizes = C, num_heads, hidden
        self.encoder = nn.ModuleList(EncoderLayer(*sizes)
                                     for _ in range(n_layers))
        self.decoder = nn.ModuleList(DecoderLayer(*sizes)
                                     for _ in range(n_layers))
        self.norms = nn.ModuleList([nn.LayerNorm(C), nn.LayerNorm(C)])

    def encode(self, source):
        """Map tokens (B, S) to a memory (B, S, C) and its mask."""
        x = self.embedding(source)  # (B, S, C)
        if self.ordered:
            x = x + self.table[:source.shape[1]]
        mask = (source != PAD)[:, None, None]  # (B, 1, 1, S)
        for layer in self.encoder:
            x = layer(x, mask)
        return self.norms[0](x), mask

    def decode(self, target, memory, mask):
        """Map tokens (B, T) to the scores (B, T, V) of the next ones."""
        x = self.embedding(target) + self.table[:target.shape[1]]
        for layer in self.decoder:
            x = layer(x, memory, mask)
        return self.head(self.norms[1](x))  # (B, T, V)

    def forward(self, both):
        """Map pairs of source and target (B, 2, T) to scores (B, T, V)."""
        source, target = both.unbind(1)  # (B, T) each
        return self.decode(target, *self.encode(source))


def batch(task, n, low, high, generator, held_out=False):
    """Return n pairs of source and target, and the answers.

    Parameters
    ----------
    task : {"reverse", "sort"}
    n, low, high : int
        Words; their shortest and greatest length.
    held_out : bool
        Whether to draw test words or training words.

    Returns
    -------
    both : Tensor (n, 2, high + 1), answer : Tensor (n, high + 1)
    """
    draws = 30 * n if held_out else 2 * n
    length = torch.randint(low, high + 1, (draws, 1), generator=generator)
    letters = torch.randint(3, 29, (draws, high + 1), generator=generator)
    place = torch.arange(high + 1)  # (high + 1,)
    letters = torch.where(place < length, letters, PAD)
    chosen = ((letters.sum(1) % 10 == 0) == held_out).nonzero()[:n, 0]
    letters, length = letters[chosen], length[chosen]  # (n, high + 1), (n, 1)
    if task == "reverse":
        answer = letters.gather(1, (length - 1 - place).clamp(0))  # (5.3.1)
    else:
        answer = letters.where(place < length, 99).sort(1).values
    source = torch.where(place == length, END, letters)
    answer = torch.where(place == length, END, answer)
    answer = torch.where(place > length, -100, answer)  # no loss there
    target = F.pad(answer, (1, -1), value=GO).clamp(PAD)  # one to the right
    return torch.stack([source, target], 1), answer


LONGEST = {"reverse": 12, "sort": 8}  # letters, in training


class Words:
    """Fresh training batches for `fit`; the seed decides which."""

    def __init__(self, task, steps, seed=0, size=64):
        self.task, self.steps = task, steps
        self.sizes = size, 4, LONGEST[task]
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.steps

    def __iter__(self):
        for _ in range(self.steps):
            yield batch(self.task, *self.sizes, self.generator)


@torch.no_grad()
def greedy(model, source, steps):
    """Write `steps` tokens for each source (B, S); return (B, steps)."""
    memory = model.encode(source)
    written = source.new_full((len(source), 1), GO)  # (B, 1)
    for _ in range(steps):
        scores = model.decode(written, *memory)[:, -1]  # (B, V)
        written = torch.cat([written, scores.argmax(1, keepdim=True)], 1)
    return written[:, 1:]


def exact_match(model, task, low=4, high=None, n=1000, seed=9):
    """Return the share of unseen words answered without a mistake."""
    high = LONGEST[task] if high is None else high
    generator = torch.Generator().manual_seed(seed)
    both, answer = batch(task, n, low, high, generator, held_out=True)
    written = greedy(model.eval(), both[:, 0], high + 1)  # (n, high + 1)
    right = (written == answer) | (answer == -100)
    return right.all(1).float().mean().item()


def token_loss(logits, answer):
    """Mean cross-entropy, logits (B, T, V), answer (B, T)."""
    return F.cross_entropy(logits.mT, answer)


def train(model, task, steps, eta=5e-3, seed=0):
    """Train on fresh words; return the CPU seconds it took."""
    start = time.process_time()
    optimizer = torch.optim.Adam(model.parameters(), eta)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda k: min((k + 1) / 50, 1) * (1 - k / steps))
    fit(model, Words(task, steps, seed), optimizer, epochs=1, loss=token_loss,
        scheduler=scheduler, clip=1.0)
    return time.process_time() - start
