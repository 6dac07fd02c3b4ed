# Generated from ch06/03_pretraining.ipynb by `make export`: do not edit.
"""What ch06/03_pretraining.ipynb exports for other notebooks."""

__all__ = ['COLUMNS', 'bits_per_character', 'Windows', 'token_losses', 'parameter_groups', 'learning_rate', 'train_step', 'save',
           'restore', 'train_gpt', 'words_by_rank', 'english', 'entropy_and_length', 'choose', 'write_text']


import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F


from helpers import progress
from helpers.ch01.optimization import warmup_cosine
from helpers.ch04 import training_in_pytorch as training
from helpers.ch06.gpt import GPT


def bits_per_character(nats, n_tokens, text, unit="character"):
    """Turn a loss per token into bits. Implements (6.3.4).

    Parameters
    ----------
    nats : float
        Mean loss of the tokens.
    n_tokens : int
        Tokens that the text was cut into.
    text : str
    unit : {"character", "byte"}
        What the bits are counted by.
    """
    m = len(text) if unit == "character" else len(text.encode())
    return nats * n_tokens / (m * math.log(2))  # (6.3.4)


class Windows:
    """Batches of random windows of a text. Implements (6.3.5).

    Parameters
    ----------
    tokens : LongTensor (n,)
    T, B : int
        Tokens in a window, windows in a batch.
    steps : int
        Batches in a pass.
    seed : int
    """

    def __init__(self, tokens, T, B, steps=1, seed=0):
        if len(tokens) <= T:
            raise ValueError(f"{len(tokens)} tokens hold no window of {T} "
                             "and the token after it")
        self.tokens, self.T, self.B, self.steps = tokens, T, B, steps
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.steps

    def draw(self):
        """Return inputs and next tokens, (B, T) each."""
        places = len(self.tokens) - self.T
        start = torch.randint(places, (self.B, 1), generator=self.generator)
        text = self.tokens[start + torch.arange(self.T + 1)]  # (B, T + 1)
        return text[:, :-1], text[:, 1:]  # (6.3.5)

    def __iter__(self):
        return (self.draw() for _ in range(self.steps))


@torch.no_grad()
def token_losses(model, tokens, batch_size=16):
    """Return -ln q of each token but the first, (n - 1,).

    Each is judged with at least half of a context before it, as far as the
    text has one; a last piece shorter than half a context reads back.

    Parameters
    ----------
    model : GPT
    tokens : LongTensor (n,), longer than the context
    batch_size : int

    Raises
    ------
    ValueError
        When there is no window to judge.
    """
    T, n = model.config.context_length, len(tokens) - 1
    if n < T:
        raise ValueError(f"{n + 1} tokens hold no window of {T}")
    device, was_training = training.device_of(model), model.training
    starts = torch.tensor([*range(0, n - T, T // 2), n - T])[:, None]  # (w, 1)
    model.eval()
    found = torch.empty(n)
    for start in starts.flip(0).split(batch_size):
        text = tokens[start + torch.arange(T + 1)].to(device)  # (b, T + 1)
        nats = F.cross_entropy(model(text[:, :-1]).mT, text[:, 1:],
                               reduction="none").cpu()  # (b, T), (6.3.1)
        for s, row in zip(start[:, 0].tolist(), nats):
            cold = 0 if s == 0 else T // 2
            found[s + cold : s + T] = row[cold:]
    model.train(was_training)
    return found


def parameter_groups(model, weight_decay):
    """Return two groups for an optimizer: matrices decay, vectors do not."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in parameters if p.ndim >= 2]
    vectors = [p for p in parameters if p.ndim < 2]
    return [{"params": matrices, "weight_decay": weight_decay},
            {"params": vectors, "weight_decay": 0.0}]


def learning_rate(step, steps, peak, warmup):
    """Return the rate of a step, counted from 1. Implements (6.3.7)."""
    return warmup_cosine(step - 1, peak, warmup, steps, peak / 10)  # (6.3.7)


def train_step(model, optimizer, parts, clip=1.0, precision="float32"):
    """Take one step on a batch in equal parts. Implements (6.3.9), (6.3.8).

    Parameters
    ----------
    model, optimizer : Module, torch.optim.Optimizer
    parts : list of (x, y), (B, T) each
    clip : float
        Largest length of the slope.
    precision : {"float32", "bfloat16"}

    Returns
    -------
    float
        The loss of the whole batch, before the step.
    """
    device, total = training.device_of(model), 0.0
    half = torch.autocast(device.type, torch.bfloat16,
                          enabled=precision == "bfloat16")
    optimizer.zero_grad()
    for x, y in parts:
        x, y = x.to(device), y.to(device)
        with half:
            loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        (loss / len(parts)).backward()  # (6.3.9)
        total += loss.item() / len(parts)
    if not math.isfinite(total):
        raise FloatingPointError(f"the loss is {total}: lower the rate")
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)  # (6.3.8)
    optimizer.step()
    return total


COLUMNS = ["step", "tokens", "seconds", "loss", "probe"]


def save(path, model, optimizer, batches, rows):
    """Write all that a run needs to go on, if there is a path."""
    if path is not None:
        training.save_checkpoint(
            path, model=model.state_dict(), optimizer=optimizer.state_dict(),
            random=training.random_state([batches]), rows=rows)


def restore(path, model, optimizer, batches):
    """Go back to where `save` was called; return its rows, if any."""
    if path is None or not Path(path).exists():
        return []
    saved = training.load_checkpoint(path)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    training.set_random_state(saved["random"], [batches])
    return [tuple(row) for row in saved["rows"]]


def train_gpt(config, tokens, *, steps, batch_size, lr=5e-3, warmup=None,
              weight_decay=0.1, clip=1.0, accumulate=1, precision="float32",
              seed=0, probe=None, every=100, checkpoint=None, stop=None,
              device="cpu"):
    """Train a GPT on random windows of a text; return it and its history.

    Parameters
    ----------
    config, tokens : GPTConfig, LongTensor (n,)
    steps, batch_size, accumulate : int
        Steps of AdamW, windows a step, equal parts they are cut into.
    lr, weight_decay, clip : float
        Peak of the rate, decay of matrices, longest slope.
    warmup : int, optional
        Steps of the warm-up, a tenth of all by default.
    probe : callable, optional
        Called with the model `every` so many steps; its number is noted.
    checkpoint : str or Path, optional
        Written when the probe is called; a run goes on from there.
    stop : int, optional
        End after this step as if interrupted; the rates are those of `steps`.
    """
    if batch_size % accumulate:
        raise ValueError(f"{batch_size} windows have no {accumulate} parts")
    training.seed_everything(seed)
    model, size = GPT(config).to(device), batch_size // accumulate
    optimizer = torch.optim.AdamW(parameter_groups(model, weight_decay),
                                  lr=lr, betas=(0.9, 0.95))
    batches = Windows(tokens, config.context_length, size, seed=seed)
    rows, recent = restore(checkpoint, model, optimizer, batches), []
    done, _, seconds, *_ = rows[-1] if rows else (0, 0, 0.0)
    warmup = max(1, steps // 10) if warmup is None else warmup
    for step in progress.bar(range(done + 1, (stop or steps) + 1)):
        start = time.process_time()
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps, lr, warmup)
        parts = [batches.draw() for _ in range(accumulate)]
        recent += [train_step(model, optimizer, parts, clip, precision)]
        seconds += time.process_time() - start
        if step % every == 0 or step == steps:
            score = float(probe(model)) if probe else math.nan
            read = step * batch_size * config.context_length
            rows += [(step, read, seconds, np.mean(recent).item(), score)]
            recent = []
            save(checkpoint, model, optimizer, batches, rows)
    return model.eval(), pd.DataFrame(rows, columns=COLUMNS)


def words_by_rank(words):
    """Return a rule for each word; the k-th is 1/k as likely as the first."""
    share = 1 / np.arange(1, len(words) + 1)  # (words,)
    return [(p, [w]) for p, w in zip((share / share.sum()).tolist(), words)]


def english(nouns, verbs, transitive, nesting=0.3):
    """Return a grammar: subjects, verbs, objects, clauses within clauses."""
    either = [(0.5, ["NP1"]), (0.5, ["NP2"])]
    grammar = {
        "S": [(0.5, ["NP1", "VP1", "."]), (0.5, ["NP2", "VP2", "."])],
        "object": either,
        "rest": [(1 - nesting, []), (nesting, ["that", "clause"])],
        "clause": [(0.5, ["NP1", "T1"]), (0.5, ["NP2", "T2"])]}
    for k, article, n, v in (1, "a", "", "s"), (2, "some", "s", ""):
        grammar |= {
            f"NP{k}": [(1.0, [article, f"N{k}", "rest"])],
            f"VP{k}": [(0.5, [f"I{k}"]), (0.5, [f"T{k}", "object"])],
            f"N{k}": words_by_rank([noun + n for noun in nouns]),
            f"I{k}": words_by_rank([verb + v for verb in verbs]),
            f"T{k}": words_by_rank([verb + v for verb in transitive])}
    return grammar


def entropy_and_length(grammar):
    """Return mean cost (nats) and length of a sentence. Implements (6.3.11).

    Parameters
    ----------
    grammar : dict of str to list of (float, list of str)
        Rules of each symbol; a sentence is an "S".
    """
    row = {X: k for k, X in enumerate(grammar)}
    M, b, c = (np.zeros((len(row), n)) for n in (len(row), 1, 1))
    for X, rules in grammar.items():
        for p, body in rules:
            b[row[X]] -= p * math.log(p)  # (6.3.10)
            for Y in body:
                if Y in row:
                    M[row[X], row[Y]] += p
                else:
                    c[row[X]] += p
    both = np.linalg.solve(np.eye(len(row)) - M, np.hstack([b, c]))  # (6.3.11)
    return both[row["S"]]


def choose(rules, u):
    """Return the rule that a number u in [0, 1) falls on."""
    for p, body in rules:
        if u < p:
            return p, body
        u -= p
    return rules[-1]  # probabilities that sum to a hair less than 1


def write_text(grammar, n, rng):
    """Return n words of a grammar, and -ln p of each given those before it.

    The costs are right if each word tells which rules led to it.

    Parameters
    ----------
    grammar : dict of str to list of (float, list of str)
    n : int
    rng : numpy Generator

    Returns
    -------
    words : list of str (n,), nats : ndarray (n,)
    """
    words, nats, stack, paid = [], [], [], 0.0
    dice = iter(())
    while len(words) < n:
        X = stack.pop() if stack else "S"
        if X not in grammar:
            words.append(X)
            nats.append(paid)  # (6.3.1), with q = p
            paid = 0.0
            continue
        if (u := next(dice, None)) is None:
            dice = iter(rng.random(100_000).tolist())
            u = next(dice)
        p, body = choose(grammar[X], u)
        paid -= math.log(p)
        stack += reversed(body)
    return words, np.array(nats)
