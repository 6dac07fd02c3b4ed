"""Train a small GPT on the bytes of a text, on one device or on many.

    python train.py                                               one process
    torchrun --nproc-per-node=2 train.py                          two, replicated
    torchrun --nproc-per-node=2 train.py --shard                  two, sharded
    torchrun --nnodes=4 --nproc-per-node=8 --rdzv-backend=c10d \\
        --rdzv-endpoint=HOST:29500 train.py --shard               four nodes

The batch of a step depends on the seed and the number of the step alone, and each
process takes its part of it: so the number of processes changes who works, not what
is computed. With --checkpoint the run goes on from the file if it exists, on any
number of processes; several nodes need it on a disk that all of them see. The parts
of the loop are those of notebook 6.3, the equations those of notebook 6.10.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import warnings
import zlib
from pathlib import Path

import torch
import torch.nn.functional as F
from torch.distributed.checkpoint import state_dict as dcp
from torch.distributed.fsdp import fully_shard

from helpers.ch04.training_in_pytorch import (
    load_checkpoint,
    save_checkpoint,
    seed_everything,
)
from helpers.ch06.gpt import GPT, GPTConfig
from helpers.ch06.pretraining import Windows, learning_rate, parameter_groups

# lightning_fabric is lightning.fabric without the rest of Lightning. It imports
# torchmetrics just to ask for its version, which takes as long as all else together:
# while it is imported, we say that there is none.
hidden = sys.modules.setdefault("torchmetrics", None) is None
with warnings.catch_warnings():  # not of our making
    warnings.simplefilter("ignore")
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import ModelParallelStrategy
if hidden:
    del sys.modules["torchmetrics"]

RECIPE = (
    *("seed", "steps", "batch", "d_model", "layers", "heads", "context"),
    *("lr", "warmup", "weight_decay", "clip"),
)  # what two runs must share to be one
WHOLE = dcp.StateDictOptions(full_state_dict=True, cpu_offload=True)


def count(text):
    """Return a whole number of at least 1, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is no whole number above 0")
    return int(text)


def positive(text):
    """Return a finite number above 0, for argparse."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no number above 0")
    return value


def arguments(argv=None):
    """Return the options of a run."""
    parser = argparse.ArgumentParser(
        description=__doc__.partition("\n")[0],
        epilog="Launch it with torchrun to use more than one process.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--text", type=Path, help="file to read, not Shakespeare's tragedies")
    add("--steps", type=count, default=100, help="steps of the whole run")
    add("--batch", type=count, default=8, help="windows a step, all processes")
    add("--lr", type=positive, default=3e-3, help="peak of the learning rate")
    add("--warmup", type=count, default=5, help="steps until that peak")
    add("--weight-decay", type=positive, default=0.1, help="decay of matrices")
    add("--clip", type=positive, default=1.0, help="longest gradient")
    add("--d-model", type=count, default=32, help="width")
    add("--layers", type=count, default=2, help="blocks")
    add("--heads", type=count, default=2, help="heads of a block")
    add("--context", type=count, default=32, help="bytes in a window")
    add("--seed", type=int, default=0, help="of the weights and the batches")
    add("--shard", action="store_true", help="keep 1/R of all in each process")
    add("--checkpoint", type=Path, help="file to write, and to go on from")
    add("--every", type=count, default=10, help="steps between checkpoints")
    kinds = ("auto", "cpu", "gpu")
    add("--accelerator", choices=kinds, default="auto", help="kind of device")
    forms = ("32-true", "bf16-mixed")
    add("--precision", choices=forms, default="32-true", help="of the numbers")
    return parser.parse_args(argv)


def check(options, size):
    """Stop with one sentence if this run cannot be done by so many processes."""
    text, B, C = options.text, options.batch, options.d_model
    problems = {
        f"--text: there is no file {text}": text is not None and not text.is_file(),
        f"--batch {B} cannot be shared equally by {size} processes": B % size,
        f"--d-model {C} is no multiple of --heads {options.heads}": C % options.heads,
        f"--warmup {options.warmup} must be below --steps {options.steps}":
            options.warmup >= options.steps,
        "--seed must not be negative": options.seed < 0,
        "--shard computes in 32 bits: leave --precision out":
            options.shard and options.precision != "32-true",
    }  # fmt: skip
    for sentence, wrong in problems.items():
        if wrong:
            raise SystemExit(f"train.py: {sentence}")


def read(path, context):
    """Return the bytes of a text as a tensor (n,) of ids 0...255."""
    if path is None:
        from helpers import data

        plays = data.shakespeare()
        raw = "\n".join(plays[plays.genre == "tragedies"].text).encode()
    else:
        raw = path.read_bytes()
    if len(raw) <= context:
        raise SystemExit(
            f"train.py: --text has {len(raw)} bytes, a window of --context "
            f"{context} needs one more than that context"
        )
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8)


def batch_of(step, tokens, options, rank=0, size=1):
    """Return this process's inputs and targets, (B / size, T) each."""
    seed = options.seed * 1_000_003 + step
    x, y = Windows(tokens, options.context, options.batch, seed=seed).draw()  # (B, T)
    return x[rank::size].long(), y[rank::size].long()


def sharded(model, mesh):
    """Shard each block, then the rest. The stage 3 of (6.10.7)."""
    mesh = mesh["data_parallel"]
    for block in model.blocks:
        fully_shard(block, mesh=mesh)
    return fully_shard(model, mesh=mesh)


def engine(options):
    """Return a launched Fabric for the processes that torchrun started."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    here = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    check(options, size)
    strategy = "auto" if size == 1 else "ddp"
    if options.shard:
        strategy = ModelParallelStrategy(sharded, size, 1)
    fabric = Fabric(
        accelerator=options.accelerator,
        strategy=strategy,
        devices=here,
        num_nodes=size // here,
        precision=options.precision,
    )
    fabric.launch()
    return fabric


def recipe(options, tokens):
    """Return what a checkpoint must share with this run."""
    text = zlib.crc32(tokens.numpy())
    return {name: vars(options)[name] for name in RECIPE} | {"text": text}


def save(fabric, options, tokens, step, losses, model, optimizer):
    """Gather the whole state and write it once; every process must call this."""
    weights, moments = dcp.get_state_dict(model, optimizer, options=WHOLE)
    if fabric.is_global_zero:
        save_checkpoint(
            options.checkpoint, step=step, losses=losses,
            recipe=recipe(options, tokens), model=weights, optimizer=moments,
        )  # fmt: skip
    fabric.barrier()


def load(options, tokens, model, optimizer):
    """Put a checkpoint, if any, into this process's part; return steps, losses."""
    path = options.checkpoint
    if path is None or not path.exists():
        return 0, []
    try:
        saved = load_checkpoint(path)
    except ValueError as error:
        raise SystemExit(f"train.py: {error}") from None
    old = saved.get("recipe", {})
    for name, value in recipe(options, tokens).items():
        if old.get(name) != value:
            raise SystemExit(
                f"train.py: the checkpoint {path} is of another run: "
                f"--{name.replace('_', '-')} differs"
            )
    dcp.set_state_dict(
        model, optimizer, model_state_dict=saved["model"],
        optim_state_dict=saved["optimizer"], options=WHOLE,
    )  # fmt: skip
    return saved["step"], saved["losses"]


def train(options):
    """Train; return the losses of all steps."""
    fabric = engine(options)
    tokens = read(options.text, options.context)  # (n,)
    seed_everything(options.seed)  # the same weights in every process
    config = GPTConfig(
        256, options.context, options.d_model, options.layers, options.heads,
        init_std=options.d_model**-0.5 / 2,
    )  # fmt: skip
    model = fabric.setup_module(GPT(config))
    groups = parameter_groups(model, options.weight_decay)
    optimizer = torch.optim.AdamW(groups, options.lr, betas=(0.9, 0.95))
    optimizer = fabric.setup_optimizers(optimizer)
    inner, raw = model.module, optimizer.optimizer
    rank, size = fabric.global_rank, fabric.world_size
    done, losses = load(options, tokens, inner, raw)
    for step in range(done + 1, options.steps + 1):
        x, y = batch_of(step, tokens, options, rank, size)  # (B / size, T)
        x, y = x.to(fabric.device), y.to(fabric.device)
        rate = learning_rate(step, options.steps, options.lr, options.warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = F.cross_entropy(model(x).mT, y)
        optimizer.zero_grad()
        fabric.backward(loss)  # the mean over ranks, (6.10.2)
        fabric.clip_gradients(model, optimizer, max_norm=options.clip)
        optimizer.step()
        losses.append(fabric.all_reduce(loss.detach(), reduce_op="mean").item())
        fabric.print(f"step {step} loss {losses[-1]:.4f}", flush=True)
        if options.checkpoint and (step == options.steps or step % options.every == 0):
            save(fabric, options, tokens, step, losses, inner, raw)
    return losses


if __name__ == "__main__":
    train(arguments())
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
