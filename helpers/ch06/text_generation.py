# Generated from ch06/04_text_generation.ipynb by `make export`: do not edit.
"""What ch06/04_text_generation.ipynb exports for other notebooks."""

__all__ = ['tempered', 'keep_top_k', 'keep_top_p', 'keep_min_p', 'penalize', 'next_probabilities', 'draw', 'KVCache', 'layout',
           'attend', 'CachedGPT', 'check_prompt', 'writing', 'generate', 'pad_left', 'beam_search', 'speculate']


import math
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from helpers.ch06.gpt import GPT


def tempered(z, temperature):
    """Divide logits z (..., V) by a positive temperature: (6.4.1)."""
    if not temperature > 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    return z / temperature


def keep_top_k(z, k):
    """Set all but the k largest logits (..., V) to -inf: (6.4.4)."""
    if k < 1:
        raise ValueError(f"top_k must be at least 1, got {k}")
    kth = z.topk(min(k, z.shape[-1])).values[..., -1:]  # (..., 1)
    return z.masked_fill(z < kth, -torch.inf)  # (6.4.4)


def keep_top_p(z, p):
    """Keep the fewest logits (..., V) that together have p: (6.4.5)."""
    if not 0 < p <= 1:
        raise ValueError(f"top_p must be in (0, 1], got {p}")
    ordered, order = z.softmax(-1).sort(-1, descending=True)  # (..., V)
    drop = ordered.cumsum(-1) - ordered >= p  # (6.4.5)
    drop[..., 0] = False  # the best stays, whatever rounding does
    return z.masked_fill(torch.zeros_like(drop).scatter(-1, order, drop),
                         -torch.inf)


def keep_min_p(z, m):
    """Keep what has at least m times the best's probability: (6.4.6)."""
    if not 0 < m <= 1:
        raise ValueError(f"min_p must be in (0, 1], got {m}")
    best = z.amax(-1, keepdim=True)  # (..., 1)
    return z.masked_fill(z < best + math.log(m), -torch.inf)  # (6.4.6)


def penalize(z, ids, penalty):
    """Lower the logits z (B, V) of tokens that occur in ids (B, T): (6.4.7).

    A penalty below 1 raises those of positive sign.
    """
    if not penalty > 0:
        raise ValueError(f"repetition_penalty must be positive, got {penalty}")
    seen = z.gather(-1, ids)  # (B, T)
    lower = torch.where(seen > 0, seen / penalty, seen * penalty)
    return z.scatter(-1, ids, lower)  # (6.4.7)


def next_probabilities(logits, ids, *, temperature=1.0, top_k=None,
                       top_p=None, min_p=None, repetition_penalty=1.0):
    """Turn logits (B, V) into the probabilities to draw from, (B, V).

    Parameters
    ----------
    logits : Tensor (B, V), ids : Tensor of int (B, T)
        What the model says, and the tokens so far.
    temperature : float
        Implements (6.4.1); 0 is greedy, (6.4.2).
    top_k, top_p, min_p : number, optional
        Implements (6.4.4), (6.4.5), (6.4.6); not used by default.
    repetition_penalty : float
        Implements (6.4.7); 1 changes nothing.
    """
    z = logits
    if repetition_penalty != 1:
        z = penalize(z, ids, repetition_penalty)
    z = tempered(z, 1.0 if temperature == 0 else temperature)
    rules = (keep_top_k, top_k), (keep_top_p, top_p), (keep_min_p, min_p)
    for keep, limit in rules:
        if limit is not None:
            z = keep(z, limit)
    if temperature == 0:
        return F.one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)  # (6.4.2)
    return z.softmax(-1)  # (6.4.1)


def draw(p, generator=None):
    """Draw a token from each row of p (B, V); return (B, 1)."""
    return torch.multinomial(p, 1, generator=generator)


class KVCache:
    """Keys and values of the tokens that a model has read: (6.4.8).

    Parameters
    ----------
    shape : tuple of int
        Blocks L, texts B, heads H, most tokens, numbers per head D.
    like : Tensor
        Gives dtype and device.
    padding : Tensor of int (B,), optional
        Padded tokens at the start of each text.
    """

    def __init__(self, shape, like, padding=None):
        self.memory = like.new_empty(shape[0], 2, *shape[1:])
        self.length, self.padding = 0, padding

    @property
    def batch_size(self):
        """Texts."""
        return self.memory.shape[2]

    def append(self, layer, k, v):
        """Add k and v (B, H, T, D); return all of them, (B, H, S, D) each."""
        end = self.length + k.shape[2]
        room = self.memory[layer, ..., :end, :]  # (2, B, H, S, D)
        room[0, ..., self.length:, :] = k
        room[1, ..., self.length:, :] = v
        return room.unbind()

    def truncate(self, length):
        """Forget all but the oldest tokens."""
        self.length = min(self.length, length)

    def select(self, rows):
        """Keep these texts, in this order; a text may be taken twice."""
        self.memory = self.memory[:, :, rows]
        if self.padding is not None:
            self.padding = self.padding[rows]


def layout(start, T, padding=None, device=None):
    """Return positions (T,) or (B, T) and mask of T tokens after `start`.

    The mask, (T, S) or (B, 1, T, S), is None if all is seen.
    """
    t = torch.arange(start, start + T, device=device)  # (T,)
    if padding is None and T == 1:
        return t, None
    j = torch.arange(start + T, device=device)  # (S,)
    mask = j <= t[:, None]  # (T, S)
    if padding is None:
        return t, mask
    true = j >= padding[:, None, None]  # (B, 1, S)
    mask = mask & true | (j == t[:, None])  # (B, T, S), (6.4.9)
    return (t - padding[:, None]).clamp(min=0), mask[:, None]


def attend(attention, x, mask, cache=None, layer=0):
    """Run a MultiHeadAttention on new tokens x (B, T, C): (6.4.8)."""
    q, k, v = (attention.split(W(x))  # (B, H, T, D) each
               for W in (attention.W_query, attention.W_key,
                         attention.W_value))
    if cache is not None:
        k, v = cache.append(layer, k, v)  # (B, H, S, D)
    y = F.scaled_dot_product_attention(q, k, v, mask)  # (B, H, T, D)
    return attention.out_proj(y.transpose(1, 2).flatten(2))  # (B, T, C)


class CachedGPT(GPT):
    """A GPT that can remember keys and values. Implements (6.4.8), (6.4.9)."""

    @classmethod
    def of(cls, model):
        """Return a copy of a GPT, with its weights, dtype and device."""
        copy = cls(model.config).to(model.norm.weight)
        copy.load_state_dict(model.state_dict())
        return copy.train(model.training)

    def new_cache(self, batch_size=1, padding=None):
        """Return an empty `KVCache` with room for the longest text."""
        c = self.config
        shape = (c.n_layers, batch_size, c.n_heads, c.context_length,
                 c.d_model // c.n_heads)
        return KVCache(shape, self.norm.weight, padding)

    def hidden(self, ids, cache=None, padding=None):
        """Map new ids (B, T) to what the head reads, (B, T, C)."""
        if cache is None and padding is None:
            return super().hidden(ids)
        start, T = (0 if cache is None else cache.length), ids.shape[1]
        if start + T > self.config.context_length:
            raise ValueError(f"{start + T} tokens are more than "
                             f"context_length {self.config.context_length}")
        if cache is not None and cache.batch_size != len(ids):
            raise ValueError(f"a cache for {cache.batch_size} texts got "
                             f"{len(ids)}")
        padding = padding if cache is None else cache.padding
        positions, mask = layout(start, T, padding, ids.device)
        x = self.token_embedding(ids) + self.position_embedding(positions)
        for layer, block in enumerate(self.blocks):  # x: (B, T, C)
            x = x + attend(block.attention, block.norm1(x), mask, cache, layer)
            x = x + block.mlp(block.norm2(x))
        if cache is not None:
            cache.length += T
        return self.norm(x)

    def forward(self, ids, cache=None, padding=None):
        """Map new ids (B, T) to logits (B, T, V)."""
        return self.head(self.hidden(ids, cache, padding))


def check_prompt(model, ids, max_new_tokens):
    """Refuse what cannot be continued, with a sentence that says why."""
    if ids.ndim != 2 or ids.is_floating_point():
        raise ValueError("ids must be integers of shape (B, T), got "
                         f"{ids.dtype} of shape {tuple(ids.shape)}")
    if ids.numel() == 0:
        raise ValueError("the prompt is empty: give at least one token, "
                         "one that starts a text for example")
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, got "
                         f"{max_new_tokens}")
    T, limit = ids.shape[1], model.config.context_length
    if T + max_new_tokens - 1 > limit:  # the last token is never read
        raise ValueError(f"{T} tokens and {max_new_tokens} new ones do not "
                         f"fit into context_length {limit}")


@contextmanager
def writing(model):
    """Switch dropout and gradients off, and restore both."""
    training = model.training
    try:
        with torch.no_grad():
            yield model.eval()
    finally:
        model.train(training)


def generate(model, ids, max_new_tokens, *, stop=None, use_cache=True,
             generator=None, stream=None, padding=None, **rules):
    """Continue texts.

    Parameters
    ----------
    model : Module
        A `CachedGPT`, or what else has `new_cache` and ``config``.
    ids : Tensor of int (B, T)
        The prompts, filled up on the left if padding is given.
    max_new_tokens : int
    stop : int or sequence of int, optional
        A text ends with any of these tokens, and is filled up with it.
    use_cache : bool
        Whether keys and values are kept; the tokens are the same.
    generator : torch.Generator, optional
    stream : callable, optional
        Called with the new tokens (B,) at each step.
    padding : Tensor of int (B,), optional
        How many tokens of each prompt are filling, see `pad_left`.
    **rules
        temperature, top_k, top_p, min_p and repetition_penalty, see
        `next_probabilities`.

    Returns
    -------
    Tensor of int (B, T + new)
        Prompts and continuations.
    """
    check_prompt(model, ids, max_new_tokens)
    if stop is not None:
        stop = torch.as_tensor(stop, device=ids.device)
    with writing(model):
        return _write(model, ids, max_new_tokens, stop, use_cache, generator,
                      stream, padding, rules)


def _write(model, ids, n, stop, use_cache, generator, stream, padding, rules):
    extra = {} if padding is None else {"padding": padding}
    cache = model.new_cache(len(ids), **extra) if use_cache else None
    done, new = torch.zeros_like(ids[:, :1], dtype=torch.bool), ids
    for _ in range(n):
        if use_cache:
            logits = model(new, cache=cache)[:, -1]  # (B, V)
        else:
            logits = model(ids, **extra)[:, -1]  # (B, V)
        new = draw(next_probabilities(logits, ids, **rules), generator)
        if stop is not None:
            new = torch.where(done, ids[:, -1:], new)  # (B, 1)
            done = done | torch.isin(new, stop)
        ids = torch.cat([ids, new], dim=1)  # (B, T + 1)
        if stream is not None:
            stream(new[:, 0])
        if done.all():
            break
    return ids


def pad_left(prompts):
    """Fill up lists of ids on the left; return ids (B, T), padding (B,).

    Filled with a prompt's own first token, so that the repetition penalty
    sees nothing new.
    """
    if not prompts or not all(prompts):
        raise ValueError("a prompt is empty: give at least one token")
    T = max(map(len, prompts))
    padding = [T - len(ids) for ids in prompts]
    rows = [m * ids[:1] + list(ids) for m, ids in zip(padding, prompts)]
    return torch.tensor(rows), torch.tensor(padding)


def beam_search(model, ids, max_new_tokens, width):
    """Search for probable continuations. Implements (6.4.13).

    Parameters
    ----------
    model : CachedGPT, or what else has such a cache
    ids : Tensor of int (1, T)
    max_new_tokens, width : int

    Returns
    -------
    ids : Tensor of int (W, T + new), log_p : Tensor (W,)
        Best first, with ln p of the new tokens.
    """
    check_prompt(model, ids, max_new_tokens)
    if len(ids) != 1 or width < 1:
        raise ValueError("a beam needs one prompt and a positive width")
    with writing(model):
        cache, new, log_p = model.new_cache(1), ids, torch.zeros(1)
        for _ in range(max_new_tokens):
            step = model(new, cache=cache)[:, -1].log_softmax(-1)  # (W, V)
            total = (log_p.to(step)[:, None] + step).flatten()  # (6.4.13)
            log_p, best = total.topk(min(width, len(total)))  # (W,)
            rows, new = best // step.shape[1], best[:, None] % step.shape[1]
            ids = torch.cat([ids[rows], new], dim=1)  # (W, T + 1)
            cache.select(rows)
    return ids, log_p


def speculate(target, draft, ids, max_new_tokens, *, gamma=4,
              generator=None, **rules):
    """Continue a text as `generate` does, with the help of a draft model.

    Parameters
    ----------
    target, draft : models with caches that can be truncated
    ids : Tensor of int (1, T)
    max_new_tokens, gamma : int
        Tokens to write; tokens to draft at once.
    generator : torch.Generator, optional
    **rules
        See `next_probabilities`; the penalty has no place here.

    Returns
    -------
    ids : Tensor of int (1, T + new)
    rounds : list of (int, int)
        Tokens proposed and accepted in each round.
    """
    check_prompt(target, ids, max_new_tokens)
    check_prompt(draft, ids, max_new_tokens)
    if len(ids) != 1 or gamma < 1 or "repetition_penalty" in rules:
        raise ValueError("speculate takes one prompt, a positive gamma, and "
                         "no repetition_penalty")
    end, rounds = ids.shape[1] + max_new_tokens, []
    caches = target.new_cache(1), draft.new_cache(1)
    with writing(target), writing(draft):
        while ids.shape[1] < end:
            g = min(gamma, end - ids.shape[1] - 1)
            ids, accepted = _round(target, draft, ids, g, caches, generator,
                                   rules)
            rounds.append((g, accepted))
    return ids, rounds


def _read(model, ids, cache, n, rules):
    """Read what the cache lacks; return the last n probabilities (n, V)."""
    logits = model(ids[:, cache.length:], cache=cache)[0, -n:]  # (n, V)
    return next_probabilities(logits, ids, **rules)


def _round(target, draft, ids, g, caches, generator, rules):
    T, text, q = ids.shape[1], ids, []
    for _ in range(g):  # propose
        q.append(_read(draft, text, caches[1], 1, rules))  # (1, V)
        text = torch.cat([text, draw(q[-1], generator)], dim=1)
    p = _read(target, text, caches[0], g + 1, rules)  # (g + 1, V)
    u = torch.rand(g, generator=generator).tolist()
    for k in range(g):  # judge
        i = text[0, T + k].item()
        p_i, q_i = p[k, i].item(), q[k][0, i].item()
        if u[k] * q_i >= p_i:  # refused, (6.4.14)
            new = draw((p[k:k + 1] - q[k]).clamp(min=0), generator)  # (6.4.15)
            break
    else:
        k, new = g, draw(p[g:], generator)
    text = torch.cat([text[:, :T + k], new], dim=1)  # (1, T + k + 1)
    for cache in caches:
        cache.truncate(T + k)
    return text, k
