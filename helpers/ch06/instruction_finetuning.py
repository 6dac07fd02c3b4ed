# Generated from ch06/07_instruction_finetuning.ipynb by `make export`: do not edit.
"""What ch06/07_instruction_finetuning.ipynb exports for other notebooks."""

__all__ = ['WORDS', 'NAMES', 'TRAINED', 'HELD_OUT', 'FAMILIES', 'IGNORE', 'Task', 'make', 'is_right', 'Talk', 'labels_of',
           'mask_of', 'Pack', 'pack', 'deal']


import itertools
import json
from typing import NamedTuple

import numpy as np
import torch


WORDS = """apple arm bell bird boat book bread bridge candle chair cloud coat
corn cup desk dog door dream dust farm fire fish flag floor forest garden
glass gold grass hand hill horse house iron island key king lamp leaf light
lion milk mirror moon mountain mouse night ocean orange paper path piano pond
queen rain ring river road rope rose salt sand ship shoe silver snow song
star stone storm street sugar summer sun table tiger tower train tree valley
village wall water wheel wind window winter wolf wood wool""".split()
NAMES = """Anna Ben Clara David Emma Frank George Helen Ivan Jack Kate Laura
Maria Nora Oscar Paul Rosa Sarah Tom Victor""".split()


TRAINED = {
    "capitals": ("w", "Write in capitals: {}", str.upper),
    "twice": ("w", "Write it twice: {}", lambda w: f"{w} {w}"),
    "count": ("w", "Count the letters: {}", lambda w: str(len(w))),
    "last letter": ("w", "Give the last letter: {}", lambda w: w[-1]),
    "reverse": ("w", "Reverse the word: {}", lambda w: w[::-1]),
    "swap": ("ww", "Swap the words: {} {}", lambda v, w: f"{w} {v}"),
    "first word": ("www", "Give the first word: {} {} {}",
                   lambda u, v, w: u),
    "commas": ("www", "Join with commas: {} {} {}",
               lambda *w: ", ".join(w)),
    "sort": ("ddd", "Sort the numbers: {} {} {}",
             lambda *d: " ".join(map(str, sorted(d)))),
    "larger": ("nn", "Which number is larger: {} or {}",
               lambda m, n: str(max(m, n))),
    "next": ("n", "Which number comes after: {}", lambda n: str(n + 1)),
    "JSON": ("pn", "Write as JSON: {} is {}.",
             lambda p, n: json.dumps({"name": p, "age": n})),
}


HELD_OUT = {
    "last word": ("www", "Give the last word: {} {} {}", lambda u, v, w: w),
    "smaller": ("nn", "Which number is smaller: {} or {}",
                lambda m, n: str(min(m, n))),
    "small letters": ("W", "Write in small letters: {}", str.lower),
    "add": ("dd", "Add the numbers: {} and {}", lambda c, d: str(c + d)),
}
FAMILIES = TRAINED | HELD_OUT


class Task(NamedTuple):
    """An instruction and its right answer."""

    family: str
    prompt: str
    answer: str


def make(family, rng, words):
    """Draw one task of a family; `words` are those it may use."""
    gaps, instruction, answer = FAMILIES[family]
    pools = {"w": words, "W": [w.upper() for w in words], "p": NAMES,
             "n": range(10, 100), "d": range(1, 10)}
    drawn = []
    for kind, group in itertools.groupby(gaps):
        chosen = rng.choice(len(pools[kind]), len(list(group)), replace=False)
        drawn += [pools[kind][i] for i in chosen]
    return Task(family, instruction.format(*drawn), answer(*drawn))


def is_right(task, reply):
    """Say whether a reply is the right answer to a task."""
    if task.family == "JSON":
        try:
            return json.loads(reply) == json.loads(task.answer)
        except json.JSONDecodeError:
            return False
    return reply.strip() == task.answer


class Talk(NamedTuple):
    """One conversation in tokens."""

    ids: list  # (T,)
    start: int  # tokens before the answer


IGNORE = -100


def labels_of(ids, start):
    """Return the labels (T,) of a conversation. Implements (6.7.1).

    Parameters
    ----------
    ids : list of int (T,)
        Prompt, answer and end mark.
    start : int
        Tokens before the answer.
    """
    T = len(ids)
    return [ids[t + 1] if start <= t + 1 < T else IGNORE  # (6.7.1)
            for t in range(T)]


def mask_of(doc):
    """Return the mask (U, U) for a tensor doc (U,). Implements (6.7.6)."""
    place = torch.arange(len(doc))  # (U,)
    return (place <= place[:, None]) & (doc == doc[:, None])  # (6.7.6)


class Pack(NamedTuple):
    """Several conversations in one row."""

    ids: torch.Tensor  # (U,)
    labels: torch.Tensor  # (U,)
    positions: torch.Tensor  # (U,)
    mask: torch.Tensor  # (U, U)


def pack(talks):
    """Join conversations to one row. Implements (6.7.6)."""
    lengths = torch.tensor([len(t.ids) for t in talks])
    doc = torch.arange(len(talks)).repeat_interleave(lengths)  # (U,)
    join = itertools.chain.from_iterable
    return Pack(torch.tensor([*join(t.ids for t in talks)]),
                torch.tensor([*join(labels_of(*t) for t in talks)]),
                torch.cat([torch.arange(n) for n in lengths]),  # p_u
                mask_of(doc))


def deal(talks, room, rng):
    """Return lists of indices whose conversations fit into `room`."""
    packs, used = [[]], 0
    for i in rng.permutation(len(talks)):
        used += len(talks[i].ids)
        if used > room:
            packs.append([])
            used = len(talks[i].ids)
        packs[-1].append(i)
    return packs
