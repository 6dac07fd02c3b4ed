"""Tests of helpers.ch04.training_in_pytorch: errors, exactness, and sudden death."""

from __future__ import annotations

import io
import json
import math
import os
import random
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from helpers.ch04 import training_in_pytorch as training
from helpers.ch04.training_in_pytorch import (
    History,
    accuracy,
    evaluate,
    fit,
    load_checkpoint,
    save_checkpoint,
    seed_everything,
)

# --- a small training ----------------------------------------------------------------


def make(seed: int = 0, dropout: float = 0.0, eta: float = 0.1, **options):
    """Return a model, its optimizer, and loaders for training and validation."""
    seed_everything(seed)
    X, y = torch.randn(70, 5), torch.randint(3, (70,))
    model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(dropout), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=eta, **options)
    order = torch.Generator().manual_seed(seed)
    train = DataLoader(TensorDataset(X, y), 16, shuffle=True, generator=order)
    return model, optimizer, train, DataLoader(TensorDataset(X[:30], y[:30]), 20)


def weights(model: nn.Module) -> dict[str, list]:
    return {name: w.tolist() for name, w in model.state_dict().items()}


# --- evaluate, accuracy, History -----------------------------------------------------


def test_evaluate_weighs_batches_by_their_size() -> None:
    model, _, _, val = make()
    X, y = val.dataset.tensors
    scores = evaluate(model, val, metric=accuracy)
    assert scores["loss"] == pytest.approx(F.cross_entropy(model(X), y).item())
    assert scores["metric"] == pytest.approx(accuracy(model(X), y))
    means = [F.cross_entropy(model(x), t).item() for x, t in val]
    assert abs(np.mean(means) - scores["loss"]) > 1e-4


def test_evaluate_restores_the_mode_and_leaves_no_gradient() -> None:
    model, _, _, val = make(dropout=0.5)
    for mode in (True, False):
        model.train(mode)
        assert evaluate(model, val) == evaluate(model, val)
        assert model.training is mode
    assert all(p.grad is None for p in model.parameters())


def test_evaluate_refuses_an_empty_loader() -> None:
    with pytest.raises(ValueError, match="empty"):
        evaluate(make()[0], [])


def test_accuracy_of_sequences_is_over_all_positions() -> None:
    logits = torch.tensor([[[2.0, 1.0], [0.0, 1.0]], [[0.0, 3.0], [1.0, 0.0]]])
    assert accuracy(logits, torch.tensor([[0, 1], [0, 0]])) == 0.75


def test_history_frame_drops_empty_columns() -> None:
    frame = History(train_loss=[2.0, 1.0], lr=[0.1, 0.1], seconds=[1.0, 1.0]).frame()
    assert list(frame.columns) == ["train_loss", "lr", "seconds"]
    assert list(frame.index) == [1, 2]


# --- fit -----------------------------------------------------------------------------


def test_fit_is_the_bare_loop() -> None:
    model, optimizer, train, _ = make(momentum=0.9)
    fit(model, train, optimizer, epochs=3)
    other, step, loader, _ = make(momentum=0.9)
    for _ in range(3):
        for x, y in loader:
            step.zero_grad()
            F.cross_entropy(other(x), y).backward()
            step.step()
    assert weights(model) == weights(other)


def test_fit_records_every_epoch() -> None:
    model, optimizer, train, val = make()
    history = fit(model, train, optimizer, epochs=4, val_loader=val, metric=accuracy)
    assert {len(column) for column in vars(history).values()} == {4}
    assert history.val_loss[-1] == evaluate(model, val)["loss"]
    assert history.lr == [0.1] * 4


def test_training_loss_is_weighted_too() -> None:
    model, optimizer, train, _ = make(eta=0.0)  # 70 samples: 16, 16, 16, 16, 6
    history = fit(model, train, optimizer, epochs=1)
    assert history.train_loss[0] == pytest.approx(evaluate(model, train)["loss"])


def test_scheduler_takes_a_step_a_batch() -> None:
    model, optimizer, train, _ = make()
    halves = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5**t)
    history = fit(model, train, optimizer, epochs=3, scheduler=halves)
    assert history.lr == pytest.approx([0.1, 0.1 * 0.5**5, 0.1 * 0.5**10])


def test_clip_bounds_the_step() -> None:
    model, optimizer, train, _ = make(eta=1.0)
    x, y = next(iter(train))
    before = torch.cat([p.detach().ravel() for p in model.parameters()])
    fit(model, [(100 * x, y)], optimizer, epochs=1, clip=0.01)
    after = torch.cat([p.detach().ravel() for p in model.parameters()])
    assert torch.linalg.norm(after - before).item() == pytest.approx(0.01, rel=1e-3)


def test_patience_stops_and_restores_the_best_weights() -> None:
    model, optimizer, train, val = make(eta=8.0)  # far too fast: it gets worse
    history = fit(model, train, optimizer, epochs=50, val_loader=val, patience=3)
    best = int(np.argmin(history.val_loss))
    assert len(history.val_loss) == best + 4 < 50
    assert evaluate(model, val)["loss"] == history.val_loss[best]


def test_best_weights_are_restored_after_the_last_epoch_too() -> None:
    model, optimizer, train, val = make(eta=8.0)
    history = fit(model, train, optimizer, epochs=5, val_loader=val, patience=50)
    assert len(history.lr) == 5
    assert evaluate(model, val)["loss"] == min(history.val_loss)


def test_bfloat16_keeps_the_weights_in_float32() -> None:
    full, optimizer, train, _ = make()
    one = fit(full, train, optimizer, epochs=2)
    half, optimizer, train, _ = make()
    other = fit(half, train, optimizer, epochs=2, precision="bfloat16")
    assert {p.dtype for p in half.parameters()} == {torch.float32}
    assert other.train_loss == pytest.approx(one.train_loss, rel=0.05)
    assert weights(half) != weights(full)


def test_any_iterable_of_batches_will_do() -> None:
    model, optimizer, train, _ = make()

    class Stream:
        def __iter__(self):
            return iter(list(train)[:2])

    assert len(fit(model, Stream(), optimizer, epochs=2).lr) == 2


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"clip": 0.0}, "clip must be positive"),
        ({"clip": math.nan}, "clip must be positive"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"patience": 2}, "patience needs a val_loader"),
        ({"metric": accuracy}, "metric needs a val_loader"),
        ({"precision": "float16"}, "precision is"),
    ],
)
def test_fit_refuses(options: dict, sentence: str) -> None:
    model, optimizer, train, _ = make()
    with pytest.raises(ValueError, match=sentence):
        fit(model, train, optimizer, **({"epochs": 1} | options))


def test_fit_refuses_an_optimizer_of_another_model() -> None:
    (model, _, train, _), (_, optimizer, _, _) = make(), make()
    with pytest.raises(ValueError, match="holds no parameter"):
        fit(model, train, optimizer, epochs=1)


def test_fit_refuses_a_scheduler_that_goes_by_epochs() -> None:
    model, optimizer, train, _ = make()
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="ReduceLROnPlateau"):
        fit(model, train, optimizer, epochs=1, scheduler=plateau)


def test_fit_refuses_an_empty_loader() -> None:
    model, optimizer, _, _ = make()
    with pytest.raises(ValueError, match="empty"):
        fit(model, [], optimizer, epochs=1)


def test_a_loss_that_is_no_number_is_located_before_the_step() -> None:
    model, optimizer, train, _ = make()
    x, y = next(iter(train))
    before = weights(model)
    with pytest.raises(FloatingPointError, match="nan in epoch 1, batch 1"):
        fit(model, [(x * math.nan, y)], optimizer, epochs=1)
    assert weights(model) == before


def test_a_validation_loss_that_is_no_number_is_located() -> None:
    model, optimizer, train, val = make()
    bad = [(x * math.inf, y) for x, y in val]
    with pytest.raises(
        FloatingPointError, match="validation loss is nan after epoch 1"
    ):
        fit(model, train, optimizer, epochs=1, val_loader=bad)


# --- checkpoints ---------------------------------------------------------------------


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.pt"
    save_checkpoint(path, w=torch.arange(3), words={"a": [1, 2.5, None, "b"]})
    parts = load_checkpoint(path)
    assert parts["w"].tolist() == [0, 1, 2]
    assert parts["words"] == {"a": [1, 2.5, None, "b"]}
    assert os.listdir(path.parent) == ["a.pt"]


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no checkpoint .*a\.pt"):
        load_checkpoint(tmp_path / "a.pt")


def test_a_cut_checkpoint_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, w=torch.randn(200))
    whole = path.read_bytes()
    for size in range(0, len(whole), 97):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="no whole checkpoint"):
            load_checkpoint(path)


def test_no_flipped_bit_changes_a_number_unnoticed(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    w = torch.randn(200)
    save_checkpoint(path, w=w)
    whole = path.read_bytes()
    refused = 0
    for at in range(0, len(whole), 41):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        try:
            assert torch.equal(load_checkpoint(path)["w"], w)  # padding was hit
        except ValueError:
            refused += 1
    assert refused > 20


def test_code_in_a_checkpoint_is_not_run(tmp_path: Path) -> None:
    class Intruder:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was here"),)

    path = tmp_path / "a.pt"
    save_checkpoint(path, w=Intruder())
    with pytest.raises(ValueError, match="plain data"):
        load_checkpoint(path)
    assert not (tmp_path / "was here").exists()


def test_a_failed_save_keeps_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.pt"
    save_checkpoint(path, epoch=1)
    for broken in ("fsync", "replace"):
        monkeypatch.setattr(training.os, broken, lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_checkpoint(path, epoch=2)
        monkeypatch.undo()
        assert load_checkpoint(path) == {"epoch": 1}
        assert os.listdir(tmp_path) == ["a.pt"]


# --- resume --------------------------------------------------------------------------


def trained(epochs: int, path: Path | None = None, seed: int = 0, **options):
    model, optimizer, train, val = make(seed, dropout=0.3, momentum=0.9)
    return model, fit(
        model,
        train,
        optimizer,
        epochs=epochs,
        val_loader=val,
        checkpoint=path,
        **options,
    )


def test_a_resumed_run_has_the_same_bits_whatever_the_new_seed(tmp_path: Path) -> None:
    straight, history = trained(4)
    trained(2, tmp_path / "a.pt")
    other = make(9, dropout=0.3, momentum=0.9)  # other weights, other numbers
    X, y = make(0)[2].dataset.tensors  # but the same data
    train = DataLoader(
        TensorDataset(X, y), 16, shuffle=True, generator=other[2].generator
    )
    again = fit(
        other[0],
        train,
        other[1],
        epochs=4,
        checkpoint=tmp_path / "a.pt",
        val_loader=make(0)[3],
    )
    assert weights(other[0]) == weights(straight)
    assert again.val_loss == history.val_loss


def test_a_finished_run_returns_at_once(tmp_path: Path) -> None:
    straight, history = trained(3, tmp_path / "a.pt", patience=9)
    stamp = (tmp_path / "a.pt").stat().st_mtime_ns
    model, again = trained(3, tmp_path / "a.pt", patience=9)
    assert weights(model) == weights(straight)
    assert again == history  # the seconds, too
    assert (tmp_path / "a.pt").stat().st_mtime_ns == stamp


def test_a_run_that_stopped_early_stays_stopped(tmp_path: Path) -> None:
    ends = []
    for _ in range(2):
        model, optimizer, train, val = make(eta=8.0)
        history = fit(
            model,
            train,
            optimizer,
            epochs=50,
            val_loader=val,
            patience=2,
            checkpoint=tmp_path / "a.pt",
        )
        ends.append((weights(model), history))
    assert ends[0] == ends[1]
    assert len(ends[0][1].lr) < 50


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    trained(2, path)
    model, optimizer, train, val = make()
    wide = nn.Linear(5, 3)
    sgd = torch.optim.SGD(wide.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="another run: model differs"):
        fit(wide, train, sgd, epochs=3, checkpoint=path)
    with pytest.raises(ValueError, match="another run: optimizer differs"):
        fit(
            model,
            train,
            torch.optim.AdamW(model.parameters()),
            epochs=3,
            checkpoint=path,
        )
    steady = torch.optim.lr_scheduler.ConstantLR(optimizer)
    with pytest.raises(ValueError, match="another run: scheduler differs"):
        fit(model, train, optimizer, epochs=3, scheduler=steady, checkpoint=path)
    with pytest.raises(ValueError, match="another run: patience differs"):
        fit(
            model,
            train,
            optimizer,
            epochs=3,
            val_loader=val,
            patience=1,
            checkpoint=path,
        )
    with pytest.raises(ValueError, match="2 epochs behind it, more than the 1 asked"):
        trained(1, path)
    save_checkpoint(path, something="else")
    with pytest.raises(ValueError, match="another run"):
        trained(3, path)


def test_a_damaged_checkpoint_is_not_silently_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.pt"
    trained(1, path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ValueError, match="delete it to start anew"):
        trained(2, path)


# --- sudden death --------------------------------------------------------------------
#
# This file is also a program. It trains in children, kills them at random moments and
# at each awkward line of a save, lets others resume, and compares the last checkpoints.
# On Linux the children are forks, which start in milliseconds.

FORKS = sys.platform == "linux"
KILLS = 24 if FORKS else 2
PLACES = ("writing", "replace", "fsync", "after")[: 4 if FORKS else 2]  # of a death
SAVES = (1, 2, 5) if FORKS else (2,)  # in which save


class Noisy(torch.utils.data.Dataset):
    """Draws from all three global generators."""

    def __init__(self) -> None:
        fixed = torch.Generator().manual_seed(7)
        self.X = torch.randn(70, 5, generator=fixed)
        self.y = torch.randint(3, (70,), generator=fixed)

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, i: int):
        noise = torch.randn(5) * random.random() + np.random.random()  # noqa: NPY002
        return self.X[i] + noise, self.y[i]


def live(path: Path, place: str = "", save: int = 0) -> None:
    """Train with everything switched on; die in a save if a death is planted."""
    # Once there is a checkpoint, the seed must not matter any more.
    seed_everything(int.from_bytes(os.urandom(4), "big") if path.exists() else 0)
    if place:
        plant(place, save)
    model = nn.Sequential(
        nn.Linear(5, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 3)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    order = torch.Generator().manual_seed(int(torch.randint(1000, (1,))))
    fit(
        model,
        DataLoader(Noisy(), 8, shuffle=True, generator=order),
        optimizer,
        epochs=10,
        val_loader=DataLoader(Noisy(), 32),
        scheduler=torch.optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.97**t),
        clip=1.0,
        patience=100,
        checkpoint=path,
    )


def plant(place: str, save: int) -> None:
    """Make this process die in its n-th save, in the middle of a step."""
    write, sync, replace = torch.save, os.fsync, os.replace
    count = 0

    def die() -> None:
        if hasattr(signal, "SIGKILL"):
            os.kill(os.getpid(), signal.SIGKILL)
        os._exit(9)

    def half_write(parts: dict, file: io.BufferedWriter) -> None:
        nonlocal count
        count += 1
        whole = io.BytesIO()
        write(parts, whole)
        if count == save and place == "writing":
            file.write(whole.getvalue()[: len(whole.getvalue()) // 2])
            file.flush()
            die()
        file.write(whole.getvalue())

    def fsync(number: int) -> None:
        if count == save and place == "fsync":
            die()
        sync(number)

    def rename(old: Path, new: Path) -> None:
        if count == save and place == "replace":
            die()
        replace(old, new)
        if count == save and place == "after":
            die()

    torch.save, os.fsync, os.replace = half_write, fsync, rename


class Child:
    """A process that trains."""

    def __init__(self, path: Path, place: str = "", save: int = 0) -> None:
        if FORKS:
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    live(path, place, save)
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                    os._exit(3)
        else:
            call = [sys.executable, __file__, "live", str(path), place, str(save)]
            self.process = subprocess.Popen(call, stdout=subprocess.PIPE)
            self.process.stdout.readline()  # torch is loaded

    def kill(self) -> None:
        if FORKS:
            os.kill(self.pid, signal.SIGKILL)
        else:
            self.process.kill()

    def finished(self) -> bool:
        """Wait; tell whether the training came to its end."""
        if FORKS:
            code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        else:
            code = self.process.wait()
            self.process.stdout.close()
        assert code != 3, "the training raised"
        return code == 0


def end(path: Path) -> str:
    """Return all that a checkpoint holds but the seconds, as text."""
    parts = load_checkpoint(path)
    del parts["history"]["seconds"]
    torch.set_printoptions(profile="full", precision=17)
    return repr(parts)


def warm_up() -> None:
    """Load what torch loads late, so that forks need not (autograd must wait)."""
    p = nn.Parameter(torch.zeros(1))
    p.grad = torch.ones(1)
    torch.optim.AdamW([p]).step()


def serve(folder: Path) -> dict[str, object]:
    """Kill and resume until all is done; return what was seen."""
    torch.set_num_threads(1)
    warm_up()
    undisturbed, chance = folder / "undisturbed.pt", random.Random(0)
    start = time.perf_counter()
    assert Child(undisturbed).finished()
    limit = (time.perf_counter() - start) / (3 if FORKS else 30)
    kills = planted = runs = same = 0
    while kills < KILLS:
        path, runs, done, lives = folder / f"killed {runs}.pt", runs + 1, False, 0
        while not done:
            child, lives = Child(path), lives + 1
            if kills < KILLS or lives < 3:
                time.sleep(chance.uniform(0, limit * (1 + lives / 5)))
                child.kill()
            done = child.finished()
            kills += not done
            assert not path.exists() or load_checkpoint(path)  # whole at any moment
        same += end(path) == end(undisturbed)
    for place in PLACES:
        for save in SAVES:
            path, runs = folder / f"{place} {save}.pt", runs + 1
            planted += not Child(path, place, save).finished()
            assert Child(path).finished()
            same += end(path) == end(undisturbed)
    left = sorted(file.name for file in folder.glob("*.tmp"))
    return {
        "kills": kills,
        "planted": planted,
        "runs": runs,
        "same": same,
        "left": left,
    }


def test_killed_at_any_moment_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    server = subprocess.run(
        [sys.executable, __file__, "serve", str(tmp_path)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=280,
    )
    assert server.returncode == 0, server.stderr
    seen = json.loads(server.stdout)
    assert seen["kills"] >= KILLS
    assert seen["planted"] == len(PLACES) * len(SAVES)
    assert seen["same"] == seen["runs"]
    assert seen["left"] == []


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        print(json.dumps(serve(Path(sys.argv[2]))))
    else:
        print("ready", flush=True)
        live(Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
