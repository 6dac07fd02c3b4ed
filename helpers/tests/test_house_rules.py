"""Each house rule lets a good notebook pass and catches a bad one."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers.tests import house_rules
from helpers.tests.house_rules import Book, Notebook

NAME = "ch01/01_perceptron.ipynb"
LEDGER = """<table border="1" class="dataframe"><thead><tr><th></th><th>claim</th>
<th>method</th><th>reference</th><th>tolerance</th></tr></thead><tbody>
<tr><th>1</th><td>two is two</td><td>equal</td><td>by hand</td><td>exact</td></tr>
<tr><th>2</th><td>f rises</td><td>gradient</td><td>—</td><td>rtol 1e-06</td></tr>
</tbody></table>"""
TITLE = """# 1.1 The perceptron

You build a threshold unit that learns from its mistakes.

**You will**
- derive the update rule,
- code it in four lines,
- break it with XOR.

**You need** nothing but Python.

**Cost**: 3 s on 2 cores, 200 MB."""
EXERCISES = """## Exercises

1. *derive* The update of the bias.
2. *code* The pocket variant.
3. *break it* Swap two labels; predict, then run.
4. *explore* Another pair of species."""


def markdown(source: str) -> dict:
    """Return a markdown cell."""
    return {"cell_type": "markdown", "id": "m", "metadata": {}, "source": source}


def code(source: str, count: int, *outputs: dict, **metadata: object) -> dict:
    """Return a code cell that was run."""
    return {
        "cell_type": "code",
        "id": "c",
        "execution_count": count,
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source,
    }


def stream(text: str, name: str = "stdout") -> dict:
    """Return a stream output."""
    return {"output_type": "stream", "name": name, "text": text}


def shown(**data: str) -> dict:
    """Return an output with the MIME types ``text_html``, ``image_png``, ..."""
    bundle = {mime.replace("_", "/"): value for mime, value in data.items()}
    return {"output_type": "display_data", "metadata": {}, "data": bundle}


def good() -> dict:
    """Return a notebook that follows every rule."""
    figure = shown(image_png="iVBO", text_plain="<Figure>")
    alt = {"image": {"alt": "A line that separates two clouds of points"}}
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}},
        "cells": [
            markdown(TITLE),
            code("import numpy as np\n\nfrom helpers import checks\nx = 1\ny = 2", 1),
            markdown("## The unit\n\n$$ z = w x \\tag{1.1.1} $$"),
            code("def f(w, x):\n    z = w * x  # (1.1.1)\n    return z\n\nf(1, 2)", 2),
            markdown("From (1.1.1),\n\n$$ y = z^2 . \\tag{1.1.2} $$"),
            code(
                "a = 1\nb = 1\ny = a**2  # (1.1.2)\ncheck.equal('two is two', 2, 2)",
                3,
                stream("✓ two is two\n"),
            ),
            markdown("## Where this breaks\n\nEverywhere but here."),
            code("fig, ax = plt.subplots()\nax.plot([1])\n\n#\nplt.show()", 4, figure)
            | {"metadata": {"mystnb": alt}},
            markdown("## Summary\n\nThe unit (1.1.1).\n\n" + EXERCISES),
            code(
                "g = 1\nh = 2\ncheck.gradient('f rises', f, g)\n\ncheck.ledger()",
                5,
                stream("✓ f rises (rtol 1e-06)\n"),
                shown(text_html=LEDGER),
            ),
            markdown("## References\n\nRosenblatt, 1958."),
        ],
    }


def notebook(raw: dict, name: str = NAME, size: int = 1000) -> Notebook:
    """Wrap a raw notebook as the rules expect it."""
    return Notebook(name, raw, size)


def broken(rule: str, raw: dict, name: str = NAME, size: int = 1000) -> list[str]:
    """Return the messages of one rule on one notebook, alone in its book."""
    nb = notebook(raw, name, size)
    return [str(finding) for finding in house_rules.RULES[rule](nb, Book([nb]))]


def source(index: int, text: str) -> Callable[[dict], None]:
    """Return a change that replaces a cell's source."""
    return lambda raw: raw["cells"][index].update(source=text)


def replace(index: int, old: str, new: str) -> Callable[[dict], None]:
    """Return a change of a cell's source."""

    def change(raw: dict) -> None:
        cell = raw["cells"][index]
        assert old in cell["source"]
        cell["source"] = cell["source"].replace(old, new)

    return change


def metadata(index: int, **values: object) -> Callable[[dict], None]:
    """Return a change that sets a cell's metadata."""
    return lambda raw: raw["cells"][index].update(metadata=values)


def output(index: int, *outputs: dict) -> Callable[[dict], None]:
    """Return a change that sets a cell's outputs."""
    return lambda raw: raw["cells"][index].update(outputs=list(outputs))


def insert(index: int, *cells: dict) -> Callable[[dict], None]:
    """Return a change that inserts cells."""
    return lambda raw: raw["cells"].__setitem__(slice(index, index), cells)


ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "", "traceback": []}
LONG = "\n".join(f"a{i} = {i}" for i in range(31))
CLASS = "class A:\n" + "\n".join(f"    a{i} = {i}" for i in range(45))
BAD: list[tuple[str, Callable[[dict], None], str]] = [
    ("title", replace(0, "# 1.1 The", "# The"), "# 1.1 Title"),
    ("title", replace(0, "# 1.1 The", "# 1.2 The"), "not the file's"),
    ("title", replace(2, "## The unit", "# The unit"), "second H1"),
    ("title", replace(0, "You build", "**You** build"), "one sentence"),
    ("title", insert(0, code("x", 1)), "title cell"),
    ("title_cost", replace(0, "**Cost**", "Cost"), "**Cost**"),
    ("title_goals", replace(0, "**You need**", "Needs"), "**You need**"),
    ("title_goals", replace(0, "- break it with XOR.", ""), "2 bullets"),
    ("equation_tags", replace(4, "1.1.2", "1.1.3"), "1.1.2"),
    ("equation_tags", replace(4, "1.1.2", "1.1.1"), "1.1.2"),
    ("equation_tags", replace(2, "1.1.1", "2.1.1"), "1.1.1"),
    ("equation_tags", replace(2, "1.1.1", "*"), "1.1.1"),
    ("equation_tags", replace(4, "$$", "$"), "not rendered"),
    ("citations_resolve", replace(4, "From (1.1.1)", "From (1.1.9)"), "1.1.9"),
    ("citations_resolve", replace(5, "1.1.2", "1.1.3"), "1.1.3"),
    ("equations_are_code", replace(5, "  # (1.1.2)", ""), "(1.1.2)"),
    ("line_length", replace(3, "w * x", "w * x" + " * 1" * 20), "line 2"),
    ("cell_length", source(3, LONG), "31 lines"),
    ("cell_length", source(3, CLASS), "46 lines"),
    ("drawing_length", replace(7, "#\n", "x = 1\n" * 9), "12 lines"),
    ("setup_length", source(1, "import a\n" * 13), "13 lines"),
    ("rhythm", insert(3, code("x", 2), code("x", 2), code("x", 2)), "4 code cells"),
    ("prose_share", insert(3, *[markdown("So.")] * 4), "67%"),
    ("median_length", insert(10, *[code("x", 6)] * 6), "1 lines"),
    ("hidden_value", replace(3, "f(1, 2)", "f(1, 2);  # quiet"), "nbval"),
    ("run_order", lambda raw: raw["cells"][3].update(execution_count=7), "make run"),
    ("run_order", lambda raw: raw["cells"][3].update(execution_count=None), "make run"),
    ("run_order", insert(3, code(" ", 2)), "empty"),
    ("clean_outputs", output(3, stream("FutureWarning", "stderr")), "stderr"),
    ("clean_outputs", output(3, ERROR), "ValueError"),
    ("clean_outputs", output(3, stream("np.float64(0.5)")), "np.float64("),
    ("clean_outputs", output(3, shown(text_plain="<A object at 0x7f00>")), "0x7f00"),
    ("stored_form", metadata(3, execution={"iopub.busy": "2026"}), "times"),
    ("stored_form", lambda raw: raw["metadata"].update(widgets={}), "widget"),
    ("stored_form", lambda raw: raw["metadata"].update(kernelspec={}), "kernelspec"),
    ("alt_text", metadata(7), "alt text"),
    ("alt_text", metadata(7, mystnb={"image": {"alt": "A plot"}}), "alt text"),
    ("nbval_marks", metadata(3, tags=["nbval-ignore-output"]), "1 of 5"),
    ("nbval_marks", replace(3, "def", "# NBVAL_IGNORE_OUTPUT\ndef"), "1 of 5"),
    ("nbval_marks", metadata(3, tags=["nbval-skip"]), "nbval-skip"),
    ("nbval_marks", replace(3, "def", "# NBVAL_SKIP\ndef"), "nbval-skip"),
    ("checks", output(5), "1 stored checks"),
    ("checks", replace(9, "check.ledger()", "0"), "check.ledger()"),
    ("checks", output(5, stream("✓ f rises\n✓ two is two\n")), "2 rows"),
    (
        "checks",
        output(
            9, stream("✓ b\n"), shown(text_html=LEDGER.replace("gradient", "equal"))
        ),
        "one method",
    ),
    ("sections", replace(10, "## References", "## Books"), "References"),
    ("exercises", replace(8, "4. *explore*", "*explore*"), "3 numbered"),
    ("exercises", replace(8, "*code*", "*Code*"), "exercise 2"),
    ("exercises", replace(8, "predict, then run", "run"), "predict"),
    ("finished", replace(4, "From", "TODO From"), "TODO"),
    ("finished", output(3, stream("/ho" + "me/ada/x.csv")), "one machine"),
    ("links", replace(4, "From", "From [1.9](09_no.ipynb)"), "09_no.ipynb"),
    ("control_characters", replace(4, "From", "A \to B: from"), r"A \to B"),
    ("offline", replace(3, "def", "%pip install x\ndef"), "%pip"),
    ("offline", replace(3, "def", "import requests\ndef"), "requests"),
    ("torch_late", replace(3, "def", "#| export\nimport torch\ndef"), "exported"),
    ("torch_late", insert(3, *[code("import torch", 2)] * 2), "second cell"),
    ("arrows", source(1, "from helpers.ch02.trees import Tree"), "ch02"),
]


def test_the_good_notebook_passes_every_rule() -> None:
    """The rules agree that the good notebook is good."""
    nb = notebook(good())
    assert house_rules.check(nb, Book([nb])) == []


@pytest.mark.parametrize(("rule", "change", "message"), BAD)
def test_a_bad_notebook_is_caught(rule: str, change: Callable, message: str) -> None:
    """The rule catches the change, and the good notebook without it passes."""
    raw = copy.deepcopy(good())
    assert broken(rule, raw) == []
    change(raw)
    found = broken(rule, raw)
    assert found, f"{rule} let it pass"
    assert any(message in finding for finding in found), found
    assert all(finding.startswith(NAME) for finding in found)


def test_every_rule_has_a_bad_notebook() -> None:
    """No rule is without a notebook that it catches."""
    elsewhere = {"solutions", "equation_present"}
    assert {rule for rule, _, _ in BAD} | elsewhere == set(house_rules.RULES)


def test_equation_present() -> None:
    """A notebook without a numbered equation is caught."""
    raw = good()
    for cell in raw["cells"]:
        cell["source"] = cell["source"].replace("\\tag", "")
    assert "no numbered equation" in broken("equation_present", raw)[0]


def test_sections_out_of_order() -> None:
    """A section in the wrong place is named."""
    raw = good()
    raw["cells"].insert(1, raw["cells"].pop())
    assert "wrong place" in broken("sections", raw)[0]


def test_file_size() -> None:
    """A file that is too large is caught."""
    assert "700 KB" in broken("stored_form", good(), size=700 * 1024)[0]


def test_a_derivation_supports_what_it_cites() -> None:
    """An equation without code is fine when the derivation of coded ones cites it."""
    raw = good()
    replace(3, "# (1.1.1)", "")(raw)
    assert broken("equations_are_code", raw) == []  # cell 4 derives (1.1.2) from it
    replace(4, "From (1.1.1),", "Then")(raw)
    assert len(broken("equations_are_code", raw)) == 1  # the summary does not count


def test_an_expected_error_is_allowed() -> None:
    """A cell tagged raises-exception may store its error."""
    raw = good()
    output(3, ERROR)(raw)
    metadata(3, tags=["raises-exception"])(raw)
    assert broken("clean_outputs", raw) == []


def test_solutions_are_complete() -> None:
    """Every exercise needs a heading in the solutions, which need little else."""
    name = "ch01/06_exercise_solutions.ipynb"
    book = [notebook(good())]
    title = "# 1.6 Solutions\n\nYou compare answers.\n\n**Cost**: 3 s, 200 MB."
    raw = {**good(), "cells": [markdown(title), *good()["cells"][5:6]]}
    solved = "".join(f"### 1.1.{number}\n\n" for number in (1, 2, 4))
    raw["cells"].append(markdown(solved))
    solutions = notebook(raw, name)
    found = house_rules.RULES["solutions"](solutions, Book([*book, solutions]))
    assert [finding.message for finding in found] == [
        f"exercise 3 of {NAME} is not solved here: "
        "add a heading '### 1.1.3' and the solution"
    ]
    for rule in ("title_goals", "sections", "exercises", "prose_share"):
        assert house_rules.RULES[rule](solutions, Book([*book, solutions])) == []


def test_helper_arrows(tmp_path: Path) -> None:
    """Hand-written helpers and earlier chapters do not import from later ones."""
    (tmp_path / "helpers" / "ch01").mkdir(parents=True)
    files = {
        "helpers/plotting.py": "from helpers.ch01 import adaline\n",
        "helpers/checks.py": "import numpy as np\nfrom helpers import data\n",
        "helpers/ch01/adaline.py": "import helpers.ch02.trees\n",
        "helpers/ch01/optimization.py": "from helpers.ch01.adaline import A\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    found = [finding.notebook for finding in house_rules.helper_arrows(tmp_path)]
    assert found == ["helpers/plotting.py", "helpers/ch01/adaline.py"]


def test_messages_name_notebook_and_cell() -> None:
    """A finding reads as a sentence with its place."""
    finding = house_rules.Finding(NAME, 3, "do this")
    assert str(finding) == f"{NAME} cell [3]: do this"


def test_ledger_rows() -> None:
    """The stored ledger is read by column."""
    rows = house_rules.table_rows(LEDGER)
    assert [row["reference"] for row in rows] == ["by hand", "—"]
    assert rows[0]["claim"] == "two is two"
