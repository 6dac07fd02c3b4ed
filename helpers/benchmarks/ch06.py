"""Chapter 6 beside Hugging Face's tokenizers and transformers."""

from __future__ import annotations

import json

import tokenizers
import torch
import torch.nn.functional as F
import transformers
from tokenizers import models, pre_tokenizers, trainers

from helpers import data
from helpers.benchmarks import Pair
from helpers.ch06.gpt import GPT, GPTConfig, to_gpt2
from helpers.ch06.pretrained_weights import (
    Llama,
    LlamaConfig,
    llama_settings,
    load_smollm2,
    to_llama,
)
from helpers.ch06.text_generation import CachedGPT, generate
from helpers.ch06.tokenization import BPETokenizer

CHARACTERS = 1_116_456  # of Shakespeare
VOCABULARY = 1_024
STEP_SIZES = ((16, 128, 128, 4, 512),)  # B, T, C, L, V
TEXT_SIZES = ((16, 100, 256, 6, 4_096), (16, 100, 768, 12, 50_257))  # T, new, C, L, V
PROMPTS = (64, 256)  # tokens read at once
TINY = LlamaConfig(90, 512, 64, 2, 96, 4, 2)


def pairs(
    characters=CHARACTERS,
    step_sizes=STEP_SIZES,
    text_sizes=TEXT_SIZES,
    prompts=PROMPTS,
    smollm2=True,
) -> list[Pair]:
    """Return the pairs of chapter 6.

    Parameters
    ----------
    characters : int
        Length of the text for the tokenizers; smaller in tests.
    step_sizes : sequence of tuple of int
        Sequences, tokens, width, blocks and vocabulary of a training step.
    text_sizes : sequence of tuple of int
        Tokens of the prompt, new tokens, width, blocks and vocabulary.
    prompts : sequence of int
        Lengths of the prompts that a Llama reads at once.
    smollm2 : bool
        Whether that Llama is SmolLM2; if not, a tiny random one, for tests.

    Returns
    -------
    list of Pair
        In the order of the notebooks.
    """
    found = _tokenizers(characters)
    found += [_step(*size) for size in step_sizes]
    found += [_write(*size) for size in text_sizes]
    return found + _llama(prompts, smollm2)


# --- 6.1: tokenization ---------------------------------------------------------------


def _tokenizers(characters):
    plays = data.shakespeare()
    chosen = plays.genre.isin(["romances", "problems"])
    text = "\n".join(plays.text[chosen])[:characters]
    ours, theirs = _our_tokenizer(text), _their_tokenizer(text)
    size = f"{len(text) / 1e6:.1f} MB"
    return [
        Pair(
            f"BPE, train {size} to {VOCABULARY:,}",
            lambda: _our_tokenizer(text).merges,
            lambda: _merges(_their_tokenizer(text)),
            "tokenizers BpeTrainer",
            _differ,
            0.0,
            10.0,
        ),
        Pair(
            f"BPE, encode {size}, cold",
            lambda: BPETokenizer(ours.tokens, ours.merges).encode(text),
            lambda: tokenizers.Tokenizer.from_str(theirs.to_str()).encode(text).ids,
            "tokenizers Tokenizer",
            _differ,
            0.0,
            1.0,
        ),
        Pair(
            f"BPE, encode {size}, warm",
            lambda: ours.encode(text),
            lambda: theirs.encode(text).ids,
            "tokenizers Tokenizer",
            _differ,
            0.0,
            1.0,
        ),
    ]


def _our_tokenizer(text):
    return BPETokenizer.train(text, VOCABULARY)


def _their_tokenizer(text):
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text], trainer)
    return tokenizer


def _merges(tokenizer):
    model = json.loads(tokenizer.to_str())["model"]
    return [" ".join(pair) for pair in model["merges"]]


def _differ(ours, theirs) -> float:
    """Return 0 if the two are equal, else 1."""
    return float(list(ours) != list(theirs))


# --- 6.2 and 6.4: GPT ----------------------------------------------------------------


def _both(kind, T, C, L, V, heads, init_std=0.02, **options):
    """Return a GPT of ours and a GPT2LMHeadModel with the same random weights."""
    torch.manual_seed(0)
    ours = kind(GPTConfig(V, T, C, L, heads, init_std=init_std))
    transformers.logging.set_verbosity_error()
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=V,
            n_positions=T,
            n_embd=C,
            n_layer=L,
            n_head=heads,
            embd_pdrop=0.0,
            resid_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
            **options,
        )
    )
    theirs.transformer.load_state_dict(to_gpt2(ours.state_dict(), L))
    return ours, theirs


def _step(B, T, C, L, V, heads=4):
    """Pair a step of forward, backward and AdamW; its result is the loss before it."""
    ours, theirs = _both(GPT, T, C, L, V, heads, use_cache=False)
    text = torch.randint(V, (B, T + 1))
    ids, targets = text[:, :-1].contiguous(), text[:, 1:].contiguous()

    def step(model, forward):
        optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)

        def once():
            loss = forward()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()

        return once

    return Pair(
        f"GPT training step, {B} × {T}, {L} blocks of {C}",
        step(
            ours,
            lambda: F.cross_entropy(ours(ids).flatten(0, 1), targets.flatten()),
        ),
        step(
            theirs,
            # shift_labels: targets that are moved already, as ours are
            lambda: theirs(ids, labels=ids, shift_labels=targets).loss,
        ),
        "transformers GPT2LMHeadModel",
        lambda a, b: abs(a - b) / b,
        1e-4,
        1 / 1.3,
    )


def _write(T, new, C, L, V):
    """Pair greedy text with a cache; the gap is the share of tokens that differ."""
    models = _both(CachedGPT, T + new, C, L, V, C // 64, init_std=0.1)
    ours, theirs = (model.eval() for model in models)
    ids = torch.randint(V, (1, T))
    mask = torch.ones_like(ids)
    return Pair(
        f"{new} tokens with a cache, {L} blocks of {C}, V {V:,}",
        lambda: generate(ours, ids, new, temperature=0),
        lambda: theirs.generate(
            ids,
            attention_mask=mask,
            pad_token_id=0,
            max_new_tokens=new,
            do_sample=False,
        ),
        "transformers generate",
        lambda a, b: (a != b).float().mean().item(),
        0.0,
        1.0,
    )


# --- 6.5: SmolLM2 --------------------------------------------------------------------


def _llama(prompts, smollm2, new=32):
    """Pair decoding, by a bare loop and by `generate`, and reading of prompts."""
    torch.manual_seed(0)
    ours = load_smollm2()[0] if smollm2 else Llama(TINY).eval()
    ours.requires_grad_(False)
    theirs, name = _llama_reference(ours), "SmolLM2" if smollm2 else "tiny Llama"
    start = torch.arange(8)[None] + 50
    found = [
        Pair(
            f"{name}, {new} tokens in a bare loop",
            lambda: _decode(ours, start, new),
            lambda: _decode(theirs, start, new),
            "transformers LlamaForCausalLM",
            _differ,
            0.0,
            1 / 1.5,
        ),
        Pair(
            f"{name}, {new} tokens by generate",
            lambda: generate(ours, start, new, temperature=0)[0].tolist(),
            lambda: theirs.generate(
                start,
                attention_mask=torch.ones_like(start),
                max_new_tokens=new,
                do_sample=False,
                pad_token_id=0,
            )[0].tolist(),
            "transformers generate",
            _differ,
            0.0,
            1.0,
        ),
    ]
    return found + [_read(ours, theirs, T, name) for T in prompts]


def _read(ours, theirs, T, name):
    ids = torch.arange(T)[None] % ours.config.vocab_size
    return Pair(
        f"{name}, a prompt of {T} tokens",
        lambda: ours(ids),
        lambda: theirs(ids).logits,
        "transformers LlamaForCausalLM",
        lambda a, b: float((a - b).abs().max()),
        1e-3,
        1.0,
    )


def _decode(model, new, n):
    """Return n greedy tokens after a prompt new (1, T), with the model's own cache."""
    if isinstance(model, Llama):
        cache = {"cache": model.new_cache()}
    else:
        cache = {"past_key_values": transformers.DynamicCache()}
    found = []
    for _ in range(n):
        logits = model(new, **cache)  # (1, T, V)
        logits = logits if isinstance(logits, torch.Tensor) else logits.logits
        new = logits[:, -1:].argmax(-1)  # (1, 1)
        found.append(new.item())
    return found


def _llama_reference(model):
    """Return transformers' Llama with a copy of our weights, stored by rows."""
    config = transformers.LlamaConfig(
        **llama_settings(model.config),
        bos_token_id=None,
        eos_token_id=None,  # so that both write all tokens
    )
    reference = transformers.LlamaForCausalLM(config)
    reference.load_state_dict(to_llama(model))
    return reference.eval().requires_grad_(False)
