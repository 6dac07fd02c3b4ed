# Generated from ch04/03_training_in_pytorch.ipynb by `make export`: do not edit.
"""What ch04/03_training_in_pytorch.ipynb exports for other notebooks."""

__all__ = ['seed_everything', 'device_of', 'accuracy', 'evaluate', 'History', 'train_epoch', 'validate', 'save_checkpoint',
           'load_checkpoint', 'generators', 'random_state', 'set_random_state', 'Run', 'resume', 'check_options', 'fit',
           'best_device']


import math
import os
import random
import time
import zipfile
from contextlib import nullcontext
from dataclasses import dataclass, field
from operator import length_hint
from pathlib import Path


import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from helpers.progress import bar


def seed_everything(seed):
    """Seed the global generators of Python, NumPy and torch (on all devices).

    Parameters
    ----------
    seed : int
        From 0 to 2**32 - 1, which is NumPy's range.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    torch.manual_seed(seed)


def device_of(model):
    """Return the device of a model's first parameter."""
    return next(model.parameters(), torch.empty(0)).device


def accuracy(logits, y):
    """Return the share of right answers, logits (..., K) against y (...)."""
    return (logits.argmax(dim=-1) == y).float().mean().item()


def evaluate(model, loader, loss=F.cross_entropy, metric=None, device=None):
    """Return the mean loss, and metric, over all samples. Implements (4.3.8).

    Parameters
    ----------
    model : nn.Module
        Judged in evaluation mode; the mode it was in is restored.
    loader : iterable of (x, y)
        Batches, of any sizes.
    loss, metric : callable
        Of ``(model(x), y)``; each returns the mean over its batch.
    device : torch.device or str, optional
        Where the model is, by default.

    Returns
    -------
    dict of str to float
        ``{"loss": ...}``, and ``"metric"`` if one is given.

    Raises
    ------
    ValueError
        When the loader is empty.
    """
    model.to(device_of(model) if device is None else device)
    device, was_training = device_of(model), model.training
    parts = {"loss": loss} | ({} if metric is None else {"metric": metric})
    sums, n = dict.fromkeys(parts, 0.0), 0
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            x, y = (part.to(device, non_blocking=True) for part in (x, y))
            logits = model(x)
            for name, function in parts.items():
                sums[name] += float(function(logits, y)) * len(y)  # (4.3.8)
            n += len(y)
    model.train(was_training)
    if n == 0:
        raise ValueError("the loader is empty: there is nothing to judge")
    return {name: value / n for name, value in sums.items()}  # (4.3.8)


@dataclass
class History:
    """What happened in each epoch; `val_loss` and `val_metric` may be empty.

    Attributes
    ----------
    train_loss : list of float
        Mean over the epoch's samples, while the weights were moving.
    val_loss, val_metric : list of float
        On the validation data, after the epoch.
    lr : list of float
        Learning rate of the epoch's first step.
    seconds : list of float
    """

    train_loss: list = field(default_factory=list)
    val_loss: list = field(default_factory=list)
    val_metric: list = field(default_factory=list)
    lr: list = field(default_factory=list)
    seconds: list = field(default_factory=list)

    def frame(self):
        """Return a DataFrame, a row an epoch, without the empty columns."""
        columns = {k: column for k, column in vars(self).items() if column}
        index = pd.RangeIndex(1, len(self.train_loss) + 1, name="epoch")
        return pd.DataFrame(columns, index=index)


def train_epoch(model, loader, optimizer, loss=F.cross_entropy, scheduler=None,
                clip=None, precision="float32", *, epoch=1, shown=None):
    """Take one step a batch; return the mean loss over the samples.

    The parameters are those of `fit`; `epoch` is named in an error, `shown` is
    a progress bar. Implements (4.3.8) and (4.3.9).
    """
    device, total, n = device_of(model), 0.0, 0
    half = torch.autocast(device.type, torch.bfloat16)
    context = half if precision == "bfloat16" else nullcontext()
    model.train()
    for batch, (x, y) in enumerate(loader, start=1):
        x, y = (part.to(device, non_blocking=True) for part in (x, y))
        with context:
            L = loss(model(x), y)
        value = L.item()
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the loss is {value} in epoch {epoch}, batch {batch}: look "
                "at that batch, lower the learning rate, or clip the gradient"
            )
        optimizer.zero_grad()
        L.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)  # (4.3.9)
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total, n = total + value * len(y), n + len(y)  # (4.3.8)
        if shown is not None:
            shown.update()
    if n == 0:
        raise ValueError("the training loader is empty: nothing to learn from")
    return total / n  # (4.3.8)


def validate(model, loader, loss, metric, epoch):
    """Return the scores of `evaluate` under the names of a History."""
    scores = evaluate(model, loader, loss, metric)
    if not math.isfinite(scores["loss"]):
        raise FloatingPointError(
            f"the validation loss is {scores['loss']} after epoch {epoch}"
        )
    return {f"val_{name}": score for name, score in scores.items()}


def save_checkpoint(path, **parts):
    """Write a checkpoint; at any moment `path` is the old one or the new one.

    Parameters
    ----------
    path : str or Path
        Folders are made as needed. Unfinished work lies beside it under a name
        that ends in ``.tmp``; the next call overwrites it.
    **parts
        Tensors, numbers and text, and dicts, lists and tuples of these.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".tmp")
    try:
        with open(unfinished, "wb") as file:
            torch.save(parts, file)
            file.flush()
            os.fsync(file.fileno())  # on the disk, not on the way there
        os.replace(unfinished, path)  # all or nothing
    finally:
        unfinished.unlink(missing_ok=True)


def load_checkpoint(path, map_location="cpu"):
    """Return the parts of a checkpoint as a dict; no code in it is run.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file is cut, damaged, or holds more than plain data.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no checkpoint {path}")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()  # None, or the first bad part
        if damaged is None:
            return torch.load(path, map_location, weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path} is no whole checkpoint of plain data: delete it to start "
            "anew, or put an older one back"
        ) from error
    raise ValueError(f"{path} is damaged ({damaged}): delete it to start anew")


def generators(loaders):
    """Return what loaders and their parts call `generator`, each once."""
    owners, found = list(loaders), {}
    parts = ("sampler", "batch_sampler", "dataset", "collate_fn")
    for owner in owners:  # grows as parts are found
        generator = getattr(owner, "generator", None)
        if isinstance(generator, torch.Generator):
            found[id(generator)] = generator
        owners += [getattr(owner, k) for k in parts if hasattr(owner, k)]
    return list(found.values())


def random_state(loaders=()):
    """Return the state of all generators in use, as plain data."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    mps = torch.backends.mps.is_available()
    return {
        "python": random.getstate(),
        "numpy": (name, keys.tolist(), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all(),
        "mps": torch.mps.get_rng_state() if mps else None,
        "loaders": [g.get_state() for g in generators(loaders)],
    }


def set_random_state(state, loaders=()):
    """Put all generators back to where `random_state` found them."""
    random.setstate(state["python"])
    name, keys, *rest = state["numpy"]
    keys = np.array(keys, np.uint32)  # (624,)
    np.random.set_state((name, keys, *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    torch.cuda.set_rng_state_all(state["cuda"][: torch.cuda.device_count()])
    if state["mps"] is not None and torch.backends.mps.is_available():
        torch.mps.set_rng_state(state["mps"])
    for generator, saved in zip(generators(loaders), state["loaders"]):
        generator.set_state(saved)


class Run:
    """What `fit` remembers between two epochs, and its checkpoint."""

    def __init__(self, model, optimizer, scheduler, loaders, patience, path):
        self.parts = {"model": model, "optimizer": optimizer}
        if scheduler is not None:
            self.parts["scheduler"] = scheduler
        self.loaders, self.patience, self.path = loaders, patience, path
        self.history, self.best, self.waited = History(), None, 0

    def goes_on(self, epochs):
        """Tell whether there is another epoch. Implements (4.3.11)."""
        stops = self.patience is not None and self.waited >= self.patience
        return len(self.history.lr) < epochs and not stops  # (4.3.11)

    def record(self, **new):
        """Note an epoch; copy the weights if its validation is the best."""
        best = min(self.history.val_loss, default=math.inf)
        for name, value in new.items():
            getattr(self.history, name).append(value)
        if self.patience is not None:
            self.waited = 0 if new["val_loss"] < best else self.waited + 1
            if self.waited == 0:
                weights = self.parts["model"].state_dict().items()
                self.best = {k: w.detach().clone() for k, w in weights}

    def recipe(self):
        """Return what a checkpoint must share with this run."""
        kinds = {k: type(part).__name__ for k, part in self.parts.items()}
        weights = self.parts["model"].state_dict().items()
        shapes = {k: list(w.shape) for k, w in weights}
        return kinds | {"model": shapes, "patience": self.patience is not None}

    def save(self):
        """Write a checkpoint of everything, if there is a path."""
        if self.path is not None:
            parts = {k: part.state_dict() for k, part in self.parts.items()}
            save_checkpoint(
                self.path, **parts, recipe=self.recipe(), best=self.best,
                waited=self.waited, history=vars(self.history),
                random=random_state(self.loaders),
            )

    def load(self, saved):
        """Go back to where `save` was called."""
        for name, part in self.parts.items():
            part.load_state_dict(saved[name])
        self.history = History(**saved["history"])
        self.best, self.waited = saved["best"], saved["waited"]
        set_random_state(saved["random"], self.loaders)


def resume(run, epochs):
    """Load the run's checkpoint if there is one; else write the first."""
    if run.path is None or not Path(run.path).exists():
        return run.save()
    saved = load_checkpoint(run.path)
    old, new = saved.get("recipe", {}), run.recipe()
    for name in sorted(old | new):
        if old.get(name) != new.get(name):
            raise ValueError(
                f"the checkpoint {run.path} is of another run: {name} differs"
            )
    done = len(saved["history"]["train_loss"])
    if done > epochs:
        raise ValueError(
            f"the checkpoint {run.path} has {done} epochs behind it, more "
            f"than the {epochs} asked for"
        )
    run.load(saved)


def check_options(model, optimizer, epochs, val_loader, metric, scheduler,
                  clip, patience, precision):
    """Raise a ValueError for what `fit` cannot do."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau
    blind = val_loader is None
    problems = {
        "epochs must be at least 1": epochs < 1,
        "clip must be positive": clip is not None and not clip > 0,
        "patience must be at least 1": patience is not None and patience < 1,
        "patience needs a val_loader": patience is not None and blind,
        "metric needs a val_loader": metric is not None and blind,
        "precision is 'float32' or 'bfloat16'":
            precision not in ("float32", "bfloat16"),
        "ReduceLROnPlateau goes by epochs, fit steps a scheduler every batch":
            isinstance(scheduler, plateau),
        "the optimizer holds no parameter of this model":
            held.isdisjoint(map(id, model.parameters())),
    }
    for sentence, wrong in problems.items():
        if wrong:
            raise ValueError(sentence)


def fit(model, train_loader, optimizer, *, epochs, loss=F.cross_entropy,
        val_loader=None, metric=None, scheduler=None, clip=None, patience=None,
        checkpoint=None, device=None, precision="float32", progress=True):
    """Train a model; return the History of its epochs.

    Parameters
    ----------
    model, optimizer : nn.Module, torch.optim.Optimizer
    train_loader, val_loader : iterable of (x, y), the second for judging
    epochs : int
        Passes over the training data, those of a checkpoint included.
    loss, metric : callable
        Of ``(model(x), y)``; the mean over a batch.
    scheduler, clip : LRScheduler and float, optional
        Stepped after each batch; largest norm of the gradient, (4.3.9).
    patience : int, optional
        Stop after so many epochs without a new lowest validation loss. The
        best weights are put back in any case. Implements (4.3.11).
    checkpoint : str or Path, optional
        Written before the first epoch and after each. If it exists, the run
        goes on from there and ends with the bits of one never interrupted.
    device, precision : optional
        Where (by default where the model is); "float32" or "bfloat16".
    """
    check_options(model, optimizer, epochs, val_loader, metric, scheduler,
                  clip, patience, precision)
    model.to(device_of(model) if device is None else device)
    options = loss, scheduler, clip, precision
    run = Run(model, optimizer, scheduler, (train_loader, val_loader),
              patience, checkpoint)
    resume(run, epochs)
    steps = epochs * length_hint(train_loader) or None
    with bar(total=steps) if progress else nullcontext() as shown:
        while run.goes_on(epochs):
            start, epoch = time.perf_counter(), len(run.history.lr) + 1
            new = {"lr": optimizer.param_groups[0]["lr"]}
            new["train_loss"] = train_epoch(model, train_loader, optimizer,
                                            *options, epoch=epoch, shown=shown)
            if val_loader is not None:
                new |= validate(model, val_loader, loss, metric, epoch)
            run.record(**new, seconds=time.perf_counter() - start)
            run.save()
    if run.best is not None:
        model.load_state_dict(run.best)
    return run.history


def best_device():
    """Return the fastest device this machine has: CUDA, MPS or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
