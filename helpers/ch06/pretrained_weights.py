# Generated from ch06/05_pretrained_weights.ipynb by `make export`: do not edit.
"""What ch06/05_pretrained_weights.ipynb exports for other notebooks."""

__all__ = ['BLOCKS', 'SYSTEM', 'LlamaConfig', 'SwiGLU', 'rotary_table', 'rotate', 'attend', 'GrowingCache',
           'GroupedQueryAttention', 'LlamaBlock', 'LlamaBody', 'Llama', 'llama_config', 'TensorInfo', 'read_number',
           'skip_value', 'tensor_directory', 'dequantize_q4_1', 'dequantize_q8_0', 'read_tensor', 'halves',
           'llama_weights', 'large_pages', 'packed', 'load_smollm2', 'to_llama', 'llama_settings', 'chat_prompt',
           'int8_product', 'Int8Linear', 'quantize_model']


import mmap
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple


import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from helpers import data
from helpers.ch06.text_generation import KVCache
from helpers.ch06.tokenization import GGUF_NUMBERS, BPETokenizer, gguf_fields


@dataclass(frozen=True)
class LlamaConfig:
    """The numbers that define a Llama; those of SmolLM2-135M by default.

    Parameters
    ----------
    vocab_size, context_length : int
        Tokens in the vocabulary, V, and in the longest input.
    d_model, n_layers, d_hidden : int
        Width C, number of blocks L, width F inside the gated layers.
    n_heads, n_kv_heads : int
        Query heads H and key/value heads G; G divides H, H divides C.
    rope_base, norm_eps : float
        b of (6.5.5) and ε of (6.5.1).
    """

    vocab_size: int = 49152
    context_length: int = 8192
    d_model: int = 576
    n_layers: int = 30
    d_hidden: int = 1536
    n_heads: int = 9
    n_kv_heads: int = 3
    rope_base: float = 100_000.0
    norm_eps: float = 1e-5


class SwiGLU(nn.Module):
    """Gated layers that treat each token by itself. Implements (6.5.4).

    Parameters
    ----------
    config : LlamaConfig
    """

    def __init__(self, config):
        super().__init__()
        C, width = config.d_model, config.d_hidden
        self.gate_up = nn.Linear(C, 2 * width, bias=False)
        self.down = nn.Linear(width, C, bias=False)

    def forward(self, x):
        """Map x (B, T, C) to (B, T, C)."""
        gate, up = self.gate_up(x).chunk(2, dim=-1)  # (B, T, F) each
        return self.down(F.silu(gate) * up)  # (6.5.4)


def rotary_table(T, D, base, start=0, device=None):
    """Return cosines and signed sines for T positions from `start`.

    Returns
    -------
    tuple of Tensor (T, D)
        As `rotate` takes them; column c belongs to the pair c mod D/2.
    """
    i = torch.arange(D // 2, device=device)
    theta = base ** (-2 * i / D)  # (D/2,), (6.5.5)
    m = torch.arange(start, start + T, device=device)
    angles = m[:, None] * theta  # (T, D/2)
    cos, sin = angles.cos(), angles.sin()
    return torch.cat([cos, cos], 1), torch.cat([-sin, sin], 1)  # (T, D)


def rotate(x, table):
    """Turn the pairs (i, i + D/2) of x (..., T, D). Implements (6.5.8)."""
    cos, sin = table
    return torch.addcmul(x * cos, x.roll(x.shape[-1] // 2, -1), sin)


def attend(q, k, v):
    """Let the last T of S tokens look at their past. Implements (6.5.9).

    Parameters
    ----------
    q : Tensor (B, H, T, D)
    k, v : Tensor (B, G, S, D)
        Query head h looks at group h // (H / G).

    Returns
    -------
    Tensor (B, H, T, D)
    """
    T, G, S = q.shape[2], k.shape[1], k.shape[2]
    if T == 1:  # one token sees all: a group's queries are rows of q
        grouped = q.reshape(len(q), G, -1, q.shape[3])  # (B, G, H/G, D)
        return F.scaled_dot_product_attention(grouped, k, v).reshape(q.shape)
    mask = None
    if S > T:
        mask = torch.ones(T, S, dtype=torch.bool, device=q.device).tril(S - T)
    return F.scaled_dot_product_attention(
        q, k, v, mask, is_causal=mask is None, enable_gqa=G < q.shape[1])


class GrowingCache(KVCache):
    """A `KVCache` that doubles its room when it is full."""

    def append(self, layer, k, v):
        """Add k, v (B, G, T, D); return all of them, (B, G, S, D) each."""
        end, old = self.length + k.shape[2], self.memory
        if end > old.shape[4]:  # (L, 2, B, G, room, D)
            self.memory = old.new_empty(*old.shape[:4], 2 * end, old.shape[5])
            self.memory[..., :self.length, :] = old[..., :self.length, :]
        return super().append(layer, k, v)


class GroupedQueryAttention(nn.Module):
    """Causal self-attention whose heads share keys and values in groups.

    Parameters
    ----------
    config : LlamaConfig
    """

    def __init__(self, config):
        super().__init__()
        C, H, G = config.d_model, config.n_heads, config.n_kv_heads
        if C % H or H % G or C // H % 2:
            raise ValueError(f"{G} groups, {H} heads and width {C} do not fit")
        self.H, self.G, self.D = H, G, C // H
        self.qkv = nn.Linear(C, (H + 2 * G) * self.D, bias=False)
        self.out_proj = nn.Linear(C, C, bias=False)

    def heads(self, x, table):
        """Return q (B, H, T, D), k and v (B, G, T, D); q and k turned."""
        B, T, _ = x.shape
        qkv = self.qkv(x).view(B, T, -1, self.D).transpose(1, 2)
        qk, v = qkv.split([self.H + self.G, self.G], dim=1)
        q, k = rotate(qk, table).split([self.H, self.G], dim=1)  # (6.5.8)
        return q, k, v

    def forward(self, x, table, cache=None, layer=0):
        """Map x (B, T, C) to (B, T, C)."""
        q, k, v = self.heads(x, table)
        if cache is not None:
            k, v = cache.append(layer, k, v)  # (B, G, S, D) each
        y = attend(q, k, v)  # (B, H, T, D), (6.5.9)
        return self.out_proj(y.transpose(1, 2).flatten(2))  # (B, T, C)


class LlamaBlock(nn.Module):
    """Attention, then gated layers, each added to the stream.

    Parameters
    ----------
    config : LlamaConfig
    """

    def __init__(self, config):
        super().__init__()
        C, eps = config.d_model, config.norm_eps
        self.norm1 = nn.RMSNorm(C, eps)  # (6.5.1)
        self.attention = GroupedQueryAttention(config)
        self.norm2 = nn.RMSNorm(C, eps)
        self.mlp = SwiGLU(config)

    def forward(self, x, table, cache=None, layer=0):
        """Map x (B, T, C) to (B, T, C); each token sees its past."""
        x = x + self.attention(self.norm1(x), table, cache, layer)  # (6.5.11)
        return x + self.mlp(self.norm2(x))  # (6.5.11)


class LlamaBody(nn.Module):
    """Everything below the head.

    Parameters
    ----------
    config : LlamaConfig
    """

    def __init__(self, config):
        super().__init__()
        self.config = config
        start = torch.empty(config.vocab_size, config.d_model)
        self.token_embedding = nn.Embedding.from_pretrained(
            start.uniform_(-0.1, 0.1), freeze=False)
        blocks = (LlamaBlock(config) for _ in range(config.n_layers))
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.RMSNorm(config.d_model, config.norm_eps)

    def table(self, T, start=0):
        """Return the `rotary_table` of T positions from `start`."""
        c, device = self.config, self.norm.weight.device
        if start + T > c.context_length:
            raise ValueError(f"{start + T} tokens are more than "
                             f"context_length {c.context_length}")
        return rotary_table(T, c.d_model // c.n_heads, c.rope_base, start,
                            device)

    def hidden(self, ids, cache=None):
        """Map ids (B, T) to what the head reads, (B, T, C)."""
        start, T = (0 if cache is None else cache.length), ids.shape[1]
        if cache is not None and cache.batch_size != len(ids):
            raise ValueError(f"a cache for {cache.batch_size} texts got "
                             f"{len(ids)}")
        table = self.table(T, start)
        x = self.token_embedding(ids)  # (B, T, C)
        for layer, block in enumerate(self.blocks):
            x = block(x, table, cache, layer)  # (B, T, C)
        if cache is not None:
            cache.length += T
        return self.norm(x)


class Llama(LlamaBody):
    """A decoder-only transformer, Llama's architecture.

    Parameters
    ----------
    config : LlamaConfig

    Attributes
    ----------
    token_embedding : nn.Embedding
    blocks : nn.ModuleList of LlamaBlock
    norm : nn.RMSNorm, head : nn.Linear
        `head.weight` is `token_embedding.weight`.
    """

    def __init__(self, config):
        super().__init__(config)
        self.head = nn.Linear(config.d_model, config.vocab_size, bias=False)
        self.head.weight = self.token_embedding.weight

    def new_cache(self, batch_size=1):
        """Return an empty cache for some texts of equal length."""
        c = self.config
        shape = (c.n_layers, batch_size, c.n_kv_heads, 256,
                 c.d_model // c.n_heads)
        return GrowingCache(shape, self.norm.weight)

    def forward(self, ids, cache=None):
        """Map ids (B, T) to logits (B, T, V); a cache holds the past."""
        if cache is None:
            return self.head(self.hidden(ids))  # (B, T, V)
        with torch.inference_mode():
            return self.head(self.hidden(ids, cache))  # (B, T, V)


def llama_config(path):
    """Read the `LlamaConfig` of a GGUF file."""
    facts = gguf_fields(path)
    names = ("vocab_size", "context_length", "embedding_length",
             "block_count", "feed_forward_length", "attention.head_count",
             "attention.head_count_kv", "rope.freq_base",
             "attention.layer_norm_rms_epsilon")
    return LlamaConfig(*(facts[f"llama.{name}"] for name in names))


class TensorInfo(NamedTuple):
    """What the directory of a GGUF file says about a tensor."""

    name: str
    shape: list  # rows first
    format: str
    offset: int  # bytes from the start of the file


def read_number(file, code):
    """Read one number; `code` is its type in the module struct."""
    data = file.read(struct.calcsize(f"<{code}"))
    return struct.unpack(f"<{code}", data)[0]


def skip_value(file, kind):
    """Move over one value of a fact."""
    if kind == 9:  # a list: type and number of entries, then those
        kind, n = read_number(file, "I"), read_number(file, "Q")
        for _ in range(n):
            skip_value(file, kind)
    elif kind == 8:  # a text: its length, then its bytes
        file.seek(read_number(file, "Q"), 1)
    else:
        file.seek(struct.calcsize(f"<{GGUF_NUMBERS[kind]}"), 1)


def tensor_directory(path):
    """Return a `TensorInfo` for each tensor of a GGUF file."""
    kinds, rows = {0: "F32", 3: "Q4_1", 8: "Q8_0"}, []
    with open(path, "rb") as file:
        file.seek(8)
        n_tensors, n_facts = (read_number(file, "Q") for _ in range(2))
        for _ in range(n_facts):
            skip_value(file, 8)  # the name
            skip_value(file, read_number(file, "I"))
        for _ in range(n_tensors):
            name = file.read(read_number(file, "Q")).decode("utf-8")
            axes = read_number(file, "I")
            shape = [read_number(file, "Q") for _ in range(axes)]
            kind, place = read_number(file, "I"), read_number(file, "Q")
            rows.append((name, shape[::-1], kinds.get(kind, kind), place))
        start = -(-file.tell() // 32) * 32  # a multiple of 32
    return [TensorInfo(*row, start + place) for *row, place in rows]


def dequantize_q4_1(blocks):
    """Turn blocks of 20 bytes (n, 20) into weights (n, 32): (6.5.12)."""
    d, m = blocks[:, :4].copy().view("<f2").astype(np.float32).T[:, :, None]
    nibbles = blocks[:, 4:]  # (n, 16)
    q = np.concatenate([nibbles & 15, nibbles >> 4], axis=1)  # (n, 32)
    return d * q + m  # (n, 32), (6.5.12)


def dequantize_q8_0(blocks):
    """Turn blocks of 34 bytes (n, 34) into weights (n, 32): (6.5.13)."""
    d = blocks[:, :2].copy().view("<f2").astype(np.float32)  # (n, 1)
    return d * blocks[:, 2:].view(np.int8)  # (n, 32), (6.5.13)


BLOCKS = {"Q4_1": (20, dequantize_q4_1), "Q8_0": (34, dequantize_q8_0)}


def read_tensor(path, info):
    """Read one tensor of a GGUF file as float32, rows (outputs) first."""
    count = int(np.prod(info.shape))
    if info.format == "F32":
        flat = np.fromfile(path, "<f4", count, offset=info.offset)
        return flat.reshape(info.shape)
    if info.format not in BLOCKS:
        raise ValueError(f"{info.name} has format {info.format}, which is "
                         "not read")
    size, dequantize = BLOCKS[info.format]
    raw = np.fromfile(path, np.uint8, count // 32 * size, offset=info.offset)
    return dequantize(raw.reshape(-1, size)).reshape(info.shape)


def halves(W, n_heads):
    """Reorder rows (heads · D, C) from neighbors to halves: (6.5.15)."""
    pairs = W.reshape(n_heads, -1, 2, W.shape[1])  # (heads, D/2, 2, C)
    return pairs.swapaxes(1, 2).reshape(W.shape)  # (6.5.15)


def llama_weights(read, config):
    """Yield a `Llama`'s weights in dicts by name, one block a dict.

    Parameters
    ----------
    read : callable
        Maps a tensor's name in the GGUF file to its array.
    config : LlamaConfig
    """
    yield {"token_embedding.weight": read("token_embd")}
    yield {"norm.weight": read("output_norm")}
    for i in range(config.n_layers):
        q, k, v, out, gate, up, down, norm1, norm2 = (
            read(f"blk.{i}.{name}") for name in (
                "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate",
                "ffn_up", "ffn_down", "attn_norm", "ffn_norm"))
        q, k = halves(q, config.n_heads), halves(k, config.n_kv_heads)
        parts = {"attention.qkv": np.concatenate([q, k, v]),
                 "attention.out_proj": out,
                 "mlp.gate_up": np.concatenate([gate, up]),
                 "mlp.down": down, "norm1": norm1, "norm2": norm2}
        yield {f"blocks.{i}.{name}.weight": W for name, W in parts.items()}


def large_pages(n):
    """Return n float32 numbers, in large pages where the system has them."""
    if sys.platform != "linux":
        return torch.empty(n)
    memory = mmap.mmap(-1, 4 * n, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with suppress(OSError):
        memory.madvise(mmap.MADV_HUGEPAGE)
    return torch.frombuffer(memory, dtype=torch.float32)


def packed(arrays):
    """Copy matrices, by name, into one stretch of memory; return tensors.

    Those with at least as many rows as columns are stored by columns.
    Vectors stay where they are.
    """
    tensors = {name: torch.from_numpy(w) for name, w in arrays.items()}
    matrices = {name: W for name, W in arrays.items() if W.ndim == 2}
    if not matrices:
        return tensors
    sizes = [W.size for W in matrices.values()]
    parts = large_pages(sum(sizes)).split(sizes)
    for (name, W), part in zip(matrices.items(), parts):
        by_columns = W.shape[0] >= W.shape[1]
        part = part.view(W.shape[::-1]).T if by_columns else part.view(W.shape)
        tensors[name] = part.copy_(tensors[name])
    return tensors


def load_smollm2(path=None, n_layers=None):
    """Load SmolLM2-135M-Instruct in float32, ready to run.

    Parameters
    ----------
    path : path-like, optional
        A GGUF file of Llama's architecture; the book's by default.
    n_layers : int, optional
        Load only so many blocks from the bottom; all by default.

    Returns
    -------
    model : Llama, in evaluation mode
    tokenizer : BPETokenizer
    """
    path = data.smollm2_path() if path is None else path
    config = llama_config(path)
    if n_layers is not None:
        config = replace(config, n_layers=n_layers)
    infos = {info.name: info for info in tensor_directory(path)}
    state = {}
    for part in llama_weights(
            lambda name: read_tensor(path, infos[f"{name}.weight"]), config):
        state |= packed(part)
    state["head.weight"] = state["token_embedding.weight"]
    with torch.device("meta"):
        model = Llama(config)
    model.load_state_dict(state, assign=True)
    model.head.weight = model.token_embedding.weight
    return model.eval(), BPETokenizer.from_gguf(path)


def to_llama(model):
    """Return our weights, unstacked, under the names of transformers."""
    c = model.config
    D = c.d_model // c.n_heads
    parts = {"model.embed_tokens": model.token_embedding.weight,
             "lm_head": model.head.weight, "model.norm": model.norm.weight}
    for i, block in enumerate(model.blocks):
        layer = f"model.layers.{i}."
        q, k, v = block.attention.qkv.weight.split(
            [c.n_heads * D, c.n_kv_heads * D, c.n_kv_heads * D])
        gate, up = block.mlp.gate_up.weight.chunk(2)
        parts |= {
            f"{layer}self_attn.q_proj": q, f"{layer}self_attn.k_proj": k,
            f"{layer}self_attn.v_proj": v,
            f"{layer}self_attn.o_proj": block.attention.out_proj.weight,
            f"{layer}mlp.gate_proj": gate, f"{layer}mlp.up_proj": up,
            f"{layer}mlp.down_proj": block.mlp.down.weight,
            f"{layer}input_layernorm": block.norm1.weight,
            f"{layer}post_attention_layernorm": block.norm2.weight}
    return {f"{name}.weight": W for name, W in parts.items()}


def llama_settings(config):
    """Return the numbers of a `LlamaConfig` under transformers' names."""
    return {"vocab_size": config.vocab_size, "hidden_size": config.d_model,
            "intermediate_size": config.d_hidden,
            "num_hidden_layers": config.n_layers,
            "num_attention_heads": config.n_heads,
            "num_key_value_heads": config.n_kv_heads,
            "max_position_embeddings": config.context_length,
            "rms_norm_eps": config.norm_eps, "tie_word_embeddings": True,
            "rope_parameters": {"rope_type": "default",
                                "rope_theta": config.rope_base}}


SYSTEM = ("You are a helpful AI assistant named SmolLM, trained by Hugging "
          "Face")


def chat_prompt(messages, add_generation_prompt=True):
    """Write a conversation the way SmolLM2 has learned to read it.

    Parameters
    ----------
    messages : list of dict
        Each with a "role" (system, user, assistant) and its "content".
    add_generation_prompt : bool
        Whether the assistant's turn is opened at the end.

    Returns
    -------
    str
        To be encoded with ``allowed_special="all"``.
    """
    if not messages:
        raise ValueError("a conversation needs at least one message")
    if messages[0]["role"] != "system":
        messages = [{"role": "system", "content": SYSTEM}, *messages]
    turns = [f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n"
             for m in messages]
    return "".join(turns) + "<|im_start|>assistant\n" * add_generation_prompt


def int8_product(q, Q):
    """Multiply integers q (n, C) and Q (R, C) int8; return (n, R)."""
    if torch.backends.mkldnn.is_available():
        return torch._int_mm(q, Q.t())  # int32
    return q.float() @ Q.float().t()  # exact below 2**24


#| export
class Int8Linear(nn.Module):
    """A linear map in 8-bit integers. Implements (6.5.18).

    Parameters
    ----------
    linear : nn.Linear
        Without bias; it is copied and not kept.
    """

    def __init__(self, linear):
        super().__init__()
        W = linear.weight.detach()  # (R, C)
        s = torch.maximum(W.amax(1), -W.amin(1)).clamp_min(1e-12) / 127
        Q = torch.empty(W.shape, dtype=torch.int8)  # (R, C)
        for part in torch.arange(len(W)).split(256):  # saves memory
            Q[part] = (W[part] / s[part, None]).round().to(torch.int8)
        self.register_buffer("scale", s)  # (R,)
        self.register_buffer("Q", Q)

    def forward(self, x):
        """Map x (..., C) to (..., R)."""
        t = x.abs().amax(-1, keepdim=True).clamp_min(1e-12) / 127
        q = (x / t).round().to(torch.int8).flatten(0, -2)  # (n, C)
        y = int8_product(q, self.Q).view(*x.shape[:-1], -1)  # (..., R)
        return y * (t * self.scale)  # (6.5.18)


def quantize_model(model):
    """Replace all linear maps of a model by `Int8Linear`, in place."""
    for block in model.blocks:
        for part in (block.attention, block.mlp):
            for name, child in list(part.named_children()):
                setattr(part, name, Int8Linear(child))
    model.head = Int8Linear(model.head)
    return model
