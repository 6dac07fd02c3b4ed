"""The benchmarks measure what they say, on results that agree."""

import json
import time

import pytest

from helpers import benchmarks
from helpers.benchmarks import Pair, ch01, ch02, ch03, ch04, ch05, ch06


def pair(ours=0.0, theirs=0.0, gap=0.0, target=1.0):
    def work(seconds):
        return lambda: time.sleep(seconds) or gap

    return Pair(
        "task", work(ours), work(theirs), "library", lambda a, b: a, 0.1, target
    )


def test_the_ratio_is_ours_over_theirs():
    (row,) = benchmarks.measure([pair(0.03, 0.01)], repeats=3)
    assert 1.5 < row.ratio < 4
    assert not row.met


def test_a_fast_wrong_answer_does_not_count():
    (row,) = benchmarks.measure([pair(0.0, 0.02, gap=0.5)], repeats=3)
    assert row.ratio < 1
    assert not row.met
    assert "MISSED" in benchmarks.table([row]).to_string()


def test_repeats_must_be_positive():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        benchmarks.measure([], repeats=0)


def test_results_are_written_with_machine_date_and_versions(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "RESULTS", tmp_path / "results")
    rows = benchmarks.measure([pair(theirs=0.01)], repeats=1)
    record = json.loads(benchmarks.save("ch01", rows, 1).read_text(encoding="utf-8"))
    assert record["rows"][0]["met"] is True
    assert {"date", "python", "system", "cores", "threads"} <= set(record)
    assert record["versions"]["numpy"].count(".") == 2
    assert [p.name for p in (tmp_path / "results").iterdir()] == ["ch01.json"]


SMALL = [
    *ch01.pairs(size=(1_000, 10)),
    *ch02.pairs(sizes=[(400, 10)], svm_sizes=[(400, 10)], tsne_samples=[300]),
    *ch03.pairs(k=2, baskets=2_000, supports=[0.02]),
    *ch04.pairs(1, 1_000, step_sizes=[(50, 20)], conv_sizes=[(2, 3, 8, 4, 3)]),
    *ch05.pairs([(4, 2, 3, 5)], [(2, 8, 16)]),
    *ch06.pairs(20_000, [(2, 8, 16, 2, 50)], [(4, 6, 64, 2, 90)], [16], False),
]


@pytest.mark.parametrize("pair", SMALL, ids=lambda p: f"{p.task}-{p.reference}")
def test_ours_agrees_with_the_library(pair):
    assert pair.gap(pair.ours(), pair.theirs()) <= pair.allowed


def test_shapes_that_differ_are_no_agreement():
    with pytest.raises(ValueError, match="shapes differ"):
        benchmarks.coefficients_apart([1.0], [[1.0]])
