"""A check passes only on something true, and says what is wrong otherwise."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression

from helpers import checks as check

EMPTY = np.array([])
NAN = np.array([1.0, np.nan])


@pytest.fixture(autouse=True)
def clean_ledger():
    check.clear()
    yield
    check.clear()


def test_close_prints_one_line_with_its_tolerance(capsys):
    check.close("a equals b", [1.0, 2.0], [1.0, 2.0 + 1e-9], atol=1e-8)
    assert capsys.readouterr().out == "✓ a equals b (atol 1e-08)\n"


def test_a_tolerance_is_printed_as_it_is(capsys):
    check.close("near", 1.0, 1.2, atol=0.25, rtol=1e-9)
    assert capsys.readouterr().out == "✓ near (atol 0.25, rtol 1e-09)\n"


def test_close_shows_both_values_and_the_place():
    message = r"a equals b: actual 2, expected 3 at \(1,\), difference 1"
    with pytest.raises(AssertionError, match=message):
        check.close("a equals b", [1.0, 2.0], [1.0, 3.0], atol=1e-8)


def test_close_is_relative_to_the_expected_value():
    check.close("within one percent", 99.5, 100.0, rtol=0.01)
    with pytest.raises(AssertionError, match="difference 2"):
        check.close("within one percent", 98.0, 100.0, rtol=0.01)


def test_close_does_not_wrap_unsigned_integers():
    with pytest.raises(AssertionError, match="difference 254"):
        check.close("bytes", np.uint8([1]), np.uint8([255]), atol=3)


def test_close_compares_complex_numbers():
    check.close("complex", np.array([1 + 1j]), np.array([1 + 1j]), atol=1e-12)
    with pytest.raises(AssertionError, match="difference 1"):
        check.close("complex", np.array([1 + 1j]), np.array([1 + 2j]), atol=1e-12)


def test_close_takes_frames_and_torch_like_tensors():
    class Tensor:
        def detach(self):
            return self

        dtype = "torch.float64"

        def cpu(self):
            return self

        def numpy(self):
            return np.array([1.0])

    check.close("a frame", pd.DataFrame([[1.0]]), np.array([[1.0]]), atol=1e-9)
    check.close("a tensor", Tensor(), [1.0], atol=1e-9)


def test_tensors_with_a_gradient_are_compared():
    torch = pytest.importorskip("torch")
    tensor = torch.ones(2, requires_grad=True)
    check.equal("a leaf", tensor, [1.0, 1.0])
    with pytest.raises(AssertionError, match="a leaf"):
        check.equal("a leaf", tensor, [1.0, 2.0])


def test_half_precision_tensors_are_compared():
    torch = pytest.importorskip("torch")
    check.close("bfloat16", torch.ones(2, dtype=torch.bfloat16), [1.0, 1.0], atol=1e-9)


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: check.close("c", a, b, atol=1.0),
        lambda a, b: check.equal("c", a, b),
        lambda a, b: check.less("c", a, b),
        lambda a, b: check.gradient("c", np.sum, a, at=b),
    ],
)
@pytest.mark.parametrize(
    ("actual", "expected", "says"),
    [
        (EMPTY, EMPTY, "empty"),
        (NAN, NAN, "NaN"),
        (np.ones(2), np.ones((2, 1)), "shape"),
        ([np.inf, 1.0], [np.inf, 1.0], "infinite"),
    ],
)
def test_nothing_passes_on_nothing(call, actual, expected, says):
    with pytest.raises(check.CannotCheck, match=says):
        call(actual, expected)
    with pytest.raises(AssertionError, match="ledger is empty"):
        check.ledger()


def test_close_wants_a_tolerance():
    with pytest.raises(check.CannotCheck, match="positive atol or rtol"):
        check.close("c", 1.0, 1.0)


def test_text_is_not_a_number():
    with pytest.raises(check.CannotCheck, match="must hold numbers"):
        check.close("c", ["a"], ["a"], atol=1.0)


def test_equal_compares_arrays_text_and_containers():
    check.equal("integers", np.arange(3), [0, 1, 2])
    check.equal("text", "abc", "abc")
    check.equal("labels", np.array(["a", "b"]), np.array(["a", "b"]))
    check.equal("sets", {1, 2}, {2, 1})
    check.equal("tuples of text", ("a", "b"), ("a", "b"))
    assert len(check.ledger()) == 5


@pytest.mark.parametrize(
    ("actual", "expected", "says"),
    [
        ([1, 2], [1, 3], r"actual .*2.*, expected .*3.* at \(1,\)"),
        ("abc", "abd", "actual 'abc', expected 'abd'"),
        (np.array(["a"]), np.array(["b"]), "actual .*a.*, expected .*b"),
        ({1}, {2}, r"expected \{2\}"),
        ("", "", "empty"),
        ([], [], "empty"),
    ],
)
def test_equal_fails(actual, expected, says):
    with pytest.raises(AssertionError, match=says):
        check.equal("c", actual, expected)


def test_equal_refuses_ragged_rows():
    with pytest.raises(check.CannotCheck, match="neither an array nor plain"):
        check.equal("c", [[1], [1, 2]], [[1], [1, 2]])


def test_less_is_strict_and_broadcasts_scalars():
    check.less("all below one", [0.1, 0.9], 1.0)
    with pytest.raises(AssertionError, match="1 is not less than 1"):
        check.less("all below one", [0.1, 1.0], 1.0)


def test_between_shows_the_offender():
    check.between("accuracy", [0.9, 0.95], 0.85, 1)
    with pytest.raises(AssertionError, match=r"0.8 lies outside \[0.85, 1\]"):
        check.between("accuracy", [0.9, 0.8], 0.85, 1)
    with pytest.raises(check.CannotCheck, match="range"):
        check.between("accuracy", 0.9, 1, 0)


def test_true_refuses_what_is_merely_truthy():
    check.true("holds", np.array([True, True]))
    check.true("holds as well", 1 < 2)
    with pytest.raises(AssertionError, match="false at 1 of 2"):
        check.true("holds", [True, False])
    with pytest.raises(check.CannotCheck, match="must be boolean"):
        check.true("holds", 0.3)
    with pytest.raises(check.CannotCheck, match="empty"):
        check.true("holds", [])


def test_gradient_accepts_the_slope_and_leaves_the_point_alone():
    point = np.array([[1.0, -2.0], [0.5, 3.0]])
    before = point.copy()
    check.gradient("cubes", lambda x: (x**3).sum(), 3 * point**2, at=point)
    np.testing.assert_array_equal(point, before)


@pytest.mark.parametrize("wrong", [-1.0, 2.0, 1.0 + 1e-4])
def test_gradient_refuses_a_wrong_factor(wrong):
    point = np.array([1.0, -2.0])
    with pytest.raises(AssertionError, match="central difference"):
        check.gradient("squares", lambda x: x @ x, wrong * 2 * point, at=point)


def test_gradient_wants_a_point_that_tells():
    with pytest.raises(check.CannotCheck, match="every slope is zero"):
        check.gradient("squares", lambda x: x @ x, np.zeros(2), at=np.zeros(2))


def test_gradient_wants_one_number():
    with pytest.raises(check.CannotCheck, match="one number"):
        check.gradient("c", lambda x: x, np.ones(2), at=np.ones(2))


def test_raises():
    def fail():
        raise ValueError("two classes are needed")

    check.raises("refused", ValueError, fail, match="two classes")
    with pytest.raises(AssertionError, match="nothing was raised"):
        check.raises("refused", ValueError, lambda: None)
    with pytest.raises(AssertionError, match="raised ValueError, expected TypeError"):
        check.raises("refused", TypeError, fail)
    with pytest.raises(AssertionError, match="expected 'three'"):
        check.raises("refused", ValueError, fail, match="three")


def test_catches_wants_the_inner_check_to_fail(capsys):
    check.catches("wrong sum is caught", lambda: check.close("s", 1, 2, atol=0.1))
    assert capsys.readouterr().out == "✓ wrong sum is caught\n"
    with pytest.raises(AssertionError, match="went unnoticed"):
        check.catches("wrong sum", lambda: check.close("s", 1, 1, atol=0.1))
    with pytest.raises(check.CannotCheck, match="void"):
        check.catches("wrong sum", lambda: check.close("s", [1], [1, 2], atol=0.1))
    assert list(check.ledger().claim) == ["wrong sum is caught"]


def test_catches_lets_other_errors_through():
    with pytest.raises(ZeroDivisionError):
        check.catches("a crash is no catch", lambda: 1 / 0)


def test_faster():
    def work(n):
        return lambda: sum(range(n))

    check.faster("less work takes less time", work(1_000), work(400_000), ratio=3)
    with pytest.raises(AssertionError, match="expected 3×"):
        check.faster("it does not", work(400_000), work(1_000), ratio=3)
    with pytest.raises(check.CannotCheck, match="at least 3 repeats"):
        check.faster("once", work(1), work(2), repeats=1)


def test_estimator_accepts_scikit_learn():
    check.estimator(LinearRegression())
    assert check.ledger().method[1] == "interface"


class NoValidation(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Excused(NoValidation):
    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = True
        return tags


def test_estimator_refuses_a_sloppy_class():
    with pytest.raises(AssertionError, match="checks fail, the first is"):
        check.estimator(NoValidation())


def test_estimator_refuses_excuses():
    with pytest.raises(check.CannotCheck, match="tags poor_score"):
        check.estimator(Excused())


def test_ledger_lists_each_claim_once_in_order():
    check.close("second", 1.0, 1.0, rtol=1e-3, reference="a book")
    check.true("first", True)
    check.close("second", 1.0, 1.0, rtol=1e-3, reference="a book")
    ledger = check.ledger()
    assert list(ledger.columns) == ["claim", "method", "reference", "tolerance"]
    assert list(ledger.claim) == ["second", "first"]
    assert list(ledger.index) == [1, 2]
    assert ledger.loc[1].tolist() == ["second", "close", "a book", "rtol 1e-03"]


def test_ledger_shows_long_claims_in_full():
    claim = "a claim that is longer than the fifty characters pandas shows by itself"
    check.true(claim, True)
    assert claim in check.ledger()._repr_html_()
    assert claim in repr(check.ledger())


def test_ledger_is_never_empty():
    with pytest.raises(AssertionError, match="no check has been made"):
        check.ledger()


@pytest.mark.parametrize("claim", ["", "  ", "two\nlines", None])
def test_a_claim_is_one_line(claim):
    with pytest.raises(check.CannotCheck, match="one line of text"):
        check.true(claim, True)


def test_every_public_name_has_a_docstring_with_its_errors():
    for name in check.__all__:
        doc = getattr(check, name).__doc__
        assert re.search(r"Raises\n\s+------", doc), name
