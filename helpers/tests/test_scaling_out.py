"""Tests of ch06/train.py and helpers.ch06.scaling_out: the ring, and sudden death."""

from __future__ import annotations

import importlib.util
import json
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

from helpers.ch04.training_in_pytorch import load_checkpoint
from helpers.ch06.scaling_out import ring_all_reduce, ring_bytes, state_bytes

SCRIPT = Path(__file__).parents[2] / "ch06" / "train.py"

# --- on paper ------------------------------------------------------------------------


@pytest.mark.parametrize(("R", "n"), [(1, 5), (2, 1), (3, 7), (7, 7), (8, 3)])
def test_the_ring_sums_whatever_the_chunks(R: int, n: int) -> None:
    vectors = np.random.default_rng(R).integers(-99, 99, (R, n))
    before = vectors.copy()
    sums, sent = ring_all_reduce(vectors)
    assert all((own == vectors.sum(axis=0)).all() for own in sums)
    assert (vectors == before).all()
    assert sent >= ring_bytes(vectors[0].nbytes, R)  # chunks may differ by one


def test_the_stages_save_more_and_more() -> None:
    assert [state_bytes(10, 2, k) for k in range(4)] == [160, 100, 90, 80]


# --- sudden death --------------------------------------------------------------------
#
# This file is also a program. As "serve" it loads train.py once, which takes longer
# than all else, then trains in forks, kills them, lets others resume, and compares the
# checkpoints. Where there is no fork, children are started anew and are fewer, and runs
# on several processes are left to the notebook.

FORKS = sys.platform == "linux"
KILLS = 12 if FORKS else 2
STEPS = 30
LIVES = [  # of one run: processes, rank that dies, step at which it does, more options
    (2, 1, 8, ["--shard"]),
    (1, 0, 14, []),
    (2, 0, 20, []),
    (2, 0, STEPS + 1, ["--shard"]),
]
REFUSED = {  # what is wrong: options; {} is the folder
    "there is no file": "--text {}/nothing",
    "--batch 9 cannot be shared equally by 2 processes": "--batch 9",
    "is no multiple of --heads 3": "--heads 3",
    "--warmup 30 must be below --steps 30": "--warmup 30",
    "4000 bytes, a window of --context 4000 needs": "--context 4000",
    "is of another run: --layers differs": "--layers 2",
    "is of another run: --weight-decay differs": "--weight-decay 0.5",
    "is of another run: --text differs": "--text {}/other",
    "is no whole checkpoint of plain data": "--checkpoint {}/cut",
}


def script():
    """Import ch06/train.py, which is in no package."""
    spec = importlib.util.spec_from_file_location("train", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def options(train, folder: Path, name: str, *more: str):
    call = f"--steps {STEPS} --every 3 --accelerator cpu --d-model 16 --layers 1"
    files = ["--text", str(folder / "text"), "--checkpoint", str(folder / name)]
    return train.arguments(call.split() + files + list(more))


class Child:
    """A process that trains."""

    def __init__(self, train, folder: Path, name: str, *more: str, env=None) -> None:
        if FORKS:
            self.pid = os.fork()
            if self.pid == 0:
                try:
                    os.environ.update(env or {})
                    sys.stdout = open(os.devnull, "w", encoding="utf-8")
                    train.train(options(train, folder, name, *more))
                    os._exit(0)
                except BaseException:
                    traceback.print_exc()
                    os._exit(3)
        else:
            call = [sys.executable, __file__, "live", str(folder), name]
            self.process = subprocess.Popen(call, stdout=subprocess.PIPE)
            self.process.stdout.readline()  # train.py is loaded

    def kill(self) -> None:
        if FORKS:
            os.kill(self.pid, signal.SIGKILL)
        else:
            self.process.kill()

    def wait(self) -> int:
        if FORKS:
            return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        self.process.communicate()
        return self.process.returncode


def end(path: Path) -> str:
    """Return all that a checkpoint holds, as text that tells every bit."""
    import torch

    torch.set_printoptions(profile="full", precision=17)
    parts = load_checkpoint(path)  # in it a pair may have become a list
    state = parts["optimizer"]["state"]
    return repr((parts["step"], parts["losses"], parts["model"], state))


def killed_at_any_moment(train, folder: Path) -> dict[str, int]:
    """Kill one process and let another go on, until all kills are done."""
    chance = random.Random(0)
    start = time.perf_counter()
    assert Child(train, folder, "calm").wait() == 0
    limit = (time.perf_counter() - start) / (2 if FORKS else 20)
    kills = runs = same = 0
    while kills < KILLS:
        name, code, lives = f"killed {runs}", None, 0
        runs += 1
        while code != 0:
            child, lives = Child(train, folder, name), lives + 1
            if kills < KILLS:
                time.sleep(chance.uniform(0, limit * (1 + lives / 3)))
                child.kill()
            code = child.wait()
            assert code != 3, "the training raised"
            kills += code != 0
            path = folder / name
            assert not path.exists() or load_checkpoint(path)  # whole at any moment
        same += end(folder / name) == end(folder / "calm")
    return {"kills": kills, "runs": runs, "same": same}


def many_lives(train, folder: Path) -> list[int]:
    """Live LIVES as torchrun would start them; return the steps saved after each."""
    from torch.distributed import TCPStore

    batch_of, saved = train.batch_of, []
    for life, (size, victim, last, more) in enumerate(LIVES):

        def deadly(step: int, *rest, victim=victim, last=last):
            if step == last and int(os.environ["RANK"]) == victim:
                os.kill(os.getpid(), signal.SIGKILL)
            return batch_of(step, *rest)

        train.batch_of = deadly
        store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
        env = {
            "WORLD_SIZE": size,
            "LOCAL_WORLD_SIZE": size,
            "GROUP_RANK": 0,
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": store.port,  # a free one
            "TORCHELASTIC_RUN_ID": life,
            "TORCHELASTIC_USE_AGENT_STORE": True,
            "TORCHELASTIC_RESTART_COUNT": 0,
        }
        ranks = [
            Child(train, folder, "many", *more, env={
                name: str(value) for name, value in
                (env | {"RANK": r, "LOCAL_RANK": r}).items()})
            for r in range(size)
        ]  # fmt: skip
        code = ranks.pop(victim).wait()
        assert code == (0 if last > STEPS else -signal.SIGKILL), code
        for other in ranks:  # it waits for the dead one, in vain
            if code:
                other.kill()
            assert other.wait() == 0 or code
        saved.append(load_checkpoint(folder / "many")["step"])
    train.batch_of = batch_of
    return saved


def refusals(train, folder: Path) -> dict[str, str]:
    """Return the sentence with which each wrong call ends."""
    whole = (folder / "calm").read_bytes()
    (folder / "cut").write_bytes(whole[: len(whole) // 2])
    (folder / "other").write_bytes(b"abc" * 2000)
    sentences = {}
    for wrong, more in REFUSED.items():
        try:
            os.environ["WORLD_SIZE"] = "2" if "--batch" in more else "1"
            train.train(options(train, folder, "calm", *more.format(folder).split()))
        except SystemExit as stop:
            sentences[wrong] = str(stop)
    return sentences


def serve(folder: Path) -> dict[str, object]:
    import torch

    torch.set_num_threads(1)
    train = script()
    p = torch.nn.Parameter(torch.zeros(1))
    p.grad = torch.ones(1)
    torch.optim.AdamW([p]).step()  # loads late parts, so that forks need not
    seen: dict[str, object] = killed_at_any_moment(train, folder)
    if FORKS:
        seen["saved"] = many_lives(train, folder)
    return seen | {"refused": refusals(train, folder)}


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory):
    """What the server saw, and its folder."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "text").write_bytes(random.Random(0).randbytes(4000))
    env = dict(os.environ, OMP_NUM_THREADS="1")
    if sys.platform == "linux":
        env["GLOO_SOCKET_IFNAME"] = "lo"  # stay on this machine
    server = subprocess.Popen(
        [sys.executable, __file__, "serve", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=env,
        start_new_session=True,
    )
    try:
        out, err = server.communicate(timeout=600)
    finally:
        if FORKS:  # whatever is left of it and its forks
            try:
                os.killpg(server.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        server.kill()
        server.wait()
    assert server.returncode == 0, err
    return folder, json.loads(out.splitlines()[-1])


def test_killed_at_any_moment_it_ends_with_the_same_bits(seen) -> None:
    _, found = seen
    assert found["kills"] >= KILLS
    assert found["same"] == found["runs"]


@pytest.mark.skipif(not FORKS, reason="needs fork; the notebook runs torchrun")
def test_a_run_moves_between_one_and_two_processes(seen) -> None:
    folder, found = seen
    assert found["saved"] == [6, 12, 18, 30]  # the checkpoints before each death
    calm, many = (load_checkpoint(folder / name) for name in ("calm", "many"))
    np.testing.assert_allclose(many["losses"], calm["losses"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("wrong", REFUSED)
def test_a_wrong_call_ends_with_one_sentence(wrong: str, seen) -> None:
    _, found = seen
    sentence = found["refused"].get(wrong, "nothing was said")
    assert wrong in sentence
    assert sentence.startswith("train.py: ")
    assert "\n" not in sentence


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    if sys.argv[1] == "serve":
        print(json.dumps(serve(folder)))
    else:
        module = script()
        print("ready", flush=True)
        module.train(options(module, folder, sys.argv[3]))
