"""The scripts of .github/scripts, on a small book of their own."""

from __future__ import annotations

import base64
import importlib
import io
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
from nbformat import v4
from PIL import Image, ImageChops

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / ".github" / "scripts"
WIDGET = "application/vnd.jupyter.widget-view+json"
TITLE = """# 1.2 Adaline

You build a linear unit that descends on its squared error.

**You will** learn.

**Cost**: 3 s on 2 cores, 200 MB."""
LEDGER = """<table><thead><tr><th></th><th>claim</th><th>method</th><th>reference</th>
<th>tolerance</th></tr></thead><tbody>
<tr><th>1</th><td>a</td><td>close</td><td>numpy.linalg.lstsq</td><td>1e-8</td></tr>
<tr><th>2</th><td>b</td><td>close</td><td>by hand</td><td>1e-8</td></tr>
<tr><th>3</th><td>c</td><td>true</td><td>—</td><td>—</td></tr>
<tr><th>4</th><td>d</td><td>equal</td><td>by hand</td><td>—</td></tr>
</tbody></table>"""
EXPORTED = """#| export
class Adaline:
    \"\"\"A linear unit.\"\"\"

    def fit(self, X, y):
        return self"""


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Return a function that imports a script as its command line would."""
    monkeypatch.syspath_prepend(str(SCRIPTS))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    yield load
    for name in ("_book", "badges", "execute", "export", "index"):
        sys.modules.pop(name, None)


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """Return the folder of a small book."""
    ledger = v4.new_output("execute_result", {"text/html": LEDGER}, execution_count=1)
    write(
        tmp_path / "ch01" / "02_adaline.ipynb",
        v4.new_markdown_cell(TITLE),
        v4.new_code_cell("#| default_exp ch01.adaline"),
        v4.new_code_cell("#| export\nimport numpy as np\nfrom helpers import data"),
        v4.new_code_cell(EXPORTED),
        v4.new_code_cell("check.ledger()", outputs=[ledger], execution_count=1),
    )
    write(
        tmp_path / "ch01" / "04_logistic_regression.ipynb",
        v4.new_markdown_cell("# 1.4 Logistic | regression\n\nYou fit odds."),
        v4.new_code_cell("from helpers.ch01.adaline import Adaline"),
    )
    markers = "# Page\n\n<!-- {0}: begin -->\nold\n<!-- {0}: end -->\n\nend\n"
    all_four = map(markers.format, ("badges", "site", "contents", "proved"))
    files = {
        "README.md": "".join(all_four),
        "ch01/README.md": markers.format("contents").replace("Page", "1 · Lines"),
        "CITATION.cff": "title: x\nrepository-code: old\n",
        "pyproject.toml": '[project]\nrequires-python = ">=3.11,<3.14"\n'
        '[project.urls]\nRepository = "https://github.com/ada/book"\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def write(path: Path, *cells: nbformat.NotebookNode, **metadata: object) -> None:
    """Write a notebook."""
    path.parent.mkdir(exist_ok=True)
    nb = v4.new_notebook(cells=list(cells), metadata=metadata)
    path.write_text(nbformat.writes(nb), encoding="utf-8", newline="\n")


def read(path: Path) -> str:
    """Return the text of a file."""
    return path.read_text(encoding="utf-8")


# --- execute -------------------------------------------------------------------------


def test_execute_stores_the_normal_form(
    script, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """Outputs are fresh, traces of the run are gone, a second run changes nothing."""
    execute, path = script("execute"), tmp_path / "01_a.ipynb"
    cells = [
        v4.new_markdown_cell("# Title", id="title"),
        v4.new_code_cell("print('a')\nprint('b')", id="first", execution_count=9),
        v4.new_code_cell("import os\nos.environ['OMP_NUM_THREADS']"),
        v4.new_code_cell("import pathlib\npathlib.Path('here.txt').write_text('x');"),
    ]
    cells[1].metadata = {"execution": {"iopub.busy": "now"}, "tags": ["keep"]}
    write(path, *cells, jupytext={"formats": "py"}, widgets={"state": {}})
    assert execute.main([str(path)]) == 0
    line = capsys.readouterr().out
    assert "3 cells" in line and "KB stored" in line and "peak" in line
    stored = json.loads(read(path))
    assert stored["metadata"] == {
        "kernelspec": execute.KERNELSPEC,
        "language_info": {"name": "python"},
    }
    assert stored["cells"][1]["id"] == "first"
    assert stored["cells"][1]["metadata"] == {"tags": ["keep"]}
    assert stored["cells"][1]["outputs"][0]["text"] == ["a\n", "b\n"]
    assert stored["cells"][2]["outputs"][0]["data"]["text/plain"] == ["'1'"]
    assert [cell["execution_count"] for cell in stored["cells"][1:]] == [1, 2, 3]
    assert (tmp_path / "here.txt").exists()
    assert execute.main(["--check", str(path)]) == 0
    path.write_text(read(path).replace('"keep"', '"keep" '), encoding="utf-8")
    assert execute.main(["--check", str(path)]) == 1
    assert "make run NB=" in capsys.readouterr().err


def test_execute_leaves_a_failing_notebook_untouched(
    script, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """The file stays, and the message names the cell and the source line."""
    execute, path = script("execute"), tmp_path / "01_a.ipynb"
    write(path, v4.new_code_cell("x = 1"), v4.new_code_cell("y = 0\nx / y"))
    before = path.read_bytes()
    assert execute.main([str(path)]) == 1
    message = capsys.readouterr().err
    assert "cell [1], line 2: x / y" in message
    assert "ZeroDivisionError" in message
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_execute_keeps_the_static_part_of_widgets(script) -> None:
    """The widget view goes, its text stays; neighboring streams become one."""
    execute = script("execute")
    both = {WIDGET: {"model_id": "1"}, "text/plain": "interactive()"}
    outputs = [
        v4.new_output("stream", name="stdout", text="a"),
        v4.new_output("stream", name="stdout", text="b"),
        v4.new_output("display_data", both),
        v4.new_output("display_data", {WIDGET: {"model_id": "1"}}),
    ]
    cell = v4.new_code_cell("x", outputs=outputs, execution_count=1)
    nb = v4.new_notebook(cells=[cell])
    text = execute.normalize(nb)
    stored = nb.cells[0].outputs
    assert stored[0].text == "ab"
    assert stored[1].data == {"text/plain": "interactive()"}
    assert len(stored) == 2
    assert execute.normalize(nbformat.reads(text, as_version=4)) == text


def test_execute_names_a_missing_file(script, tmp_path: Path, capsys) -> None:
    """A wrong name is one sentence."""
    assert script("execute").main([str(tmp_path / "no.ipynb")]) == 1
    assert "no such notebook" in capsys.readouterr().err


# --- export --------------------------------------------------------------------------


@pytest.fixture
def export(script) -> ModuleType:
    """Return the export script, where the maintainers' tools are installed."""
    pytest.importorskip("nbdev", reason="a maintainer's tool: make lint installs it")
    return script("export")


def test_export_round_trip(export, book: Path, capsys: pytest.CaptureFixture) -> None:
    """The module is written once, imports stay as they are, --check agrees."""
    assert export.main(["--root", str(book)]) == 0
    module = book / "helpers" / "ch01" / "adaline.py"
    text = read(module)
    assert text.startswith("# Generated from ch01/02_adaline.ipynb by `make export`")
    assert "from helpers import data" in text and "class Adaline" in text
    assert "__all__ = ['Adaline']" in text
    assert text.endswith("return self\n")
    assert read(module.with_name("__init__.py")).startswith('"""Generated')
    compile(text, "adaline.py", "exec")
    capsys.readouterr()
    assert export.main(["--root", str(book)]) == 0
    assert capsys.readouterr().out == ""
    assert export.main(["--root", str(book), "--check"]) == 0


def test_export_check_finds_differences(
    export, book: Path, capsys: pytest.CaptureFixture
) -> None:
    """A hand edit, an orphan and a module nobody imports are named."""
    export.main(["--root", str(book)])
    module = book / "helpers" / "ch01" / "adaline.py"
    module.write_text(read(module).replace("fit", "learn"), encoding="utf-8")
    shutil.copy(module, module.with_name("perceptron.py"))
    (book / "ch01" / "04_logistic_regression.ipynb").unlink()
    assert export.main(["--root", str(book), "--check"]) == 1
    message = capsys.readouterr().err
    assert "helpers/ch01/adaline.py differs" in message
    assert "-    def learn(self, X, y):" in message
    assert "helpers/ch01/perceptron.py: no notebook exports it" in message
    assert "ch01/02_adaline.ipynb: exports helpers.ch01.adaline, which no" in message
    assert export.main(["--root", str(book)]) == 0
    assert not module.with_name("perceptron.py").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("#| default_exp ch01.other", "'#| default_exp ch01.bad' once"),
        ("#| export\nx = 1", "found none"),
        ("#| default_exp ch01.bad\n#| export\nprint(1)", "imports, functions"),
        ("#| default_exp ch01.bad\n#| export util\nx = 1", "nothing behind it"),
    ],
)
def test_export_refuses_wrong_directives(
    export, book: Path, source: str, message: str, capsys: pytest.CaptureFixture
) -> None:
    """Directives that break the naming rule end in a sentence; the rest is written."""
    write(book / "ch01" / "09_bad.ipynb", v4.new_code_cell(source))
    for arguments in ([], ["--check"]):
        assert export.main(["--root", str(book), *arguments]) == 1
        assert message in capsys.readouterr().err
    assert not (book / "helpers" / "ch01" / "bad.py").exists()
    assert (book / "helpers" / "ch01" / "adaline.py").exists()


def test_export_keeps_the_module_of_a_broken_notebook(export, book: Path) -> None:
    """A slip in one notebook does not take away what others import."""
    export.main(["--root", str(book)])
    module = book / "helpers" / "ch01" / "adaline.py"
    before = read(module)
    notebook = book / "ch01" / "02_adaline.ipynb"
    broken = read(notebook).replace("#| default_exp ch01.adaline", "#")
    notebook.write_text(broken, encoding="utf-8")
    assert export.main(["--root", str(book)]) == 1
    assert read(module) == before


# --- index and badges ----------------------------------------------------------------


def test_index(script, book: Path, capsys: pytest.CaptureFixture) -> None:
    """Both tables come from the notebooks; --check finds an edit."""
    index = script("index")
    assert index.main(["--root", str(book), "--check"]) == 1
    assert "make index" in capsys.readouterr().out
    assert index.main(["--root", str(book)]) == 0
    assert index.main(["--root", str(book), "--check"]) == 0
    row = (
        "02_adaline.ipynb) | You build a linear unit that descends on its squared "
        "error. | numpy.linalg.lstsq, by hand | 3 s on 2 cores, 200 MB. |"
    )
    page = read(book / "README.md")
    assert "### [1 · Lines](ch01/README.md)" in page
    assert f"| [1.2 Adaline](ch01/{row}" in page
    assert "old\n<!-- badges: end -->" in page and page.endswith("\nend\n")
    assert f"| [1.2 Adaline]({row}" in read(book / "ch01" / "README.md")
    assert "Logistic \\| regression" in page
    claim = "1.2: a (numpy.linalg.lstsq, 1e-8)"
    assert f"| [1 · Lines](ch01/README.md) | 2 | 0 | 4 | 2 | {claim} |" in page
    assert "| **The book** | 2 | 0 | 4 | 2 |  |" in page


def test_index_keeps_the_strictest_agreements(script) -> None:
    """Of each notebook the last comparison with a library counts, solutions apart."""
    index = script("index")

    def notebook(name: str, *rows: tuple[str, str, str]) -> SimpleNamespace:
        keys = ("method", "reference", "tolerance")
        ledger = [dict(zip(keys, row, strict=True)) for row in rows]
        place = {"chapter": 1, "number": ord(name[0]) - ord("a") + 1}
        solutions = name == "solutions"
        return SimpleNamespace(ledger=ledger, is_solutions=solutions, **place)

    loose = ("close", "scipy eigh", "rtol 1e-02")
    exact = ("equal", "torch.optim", "exact")
    tight = ("close", "sklearn Ridge", "atol 1e-10, rtol 1e-08")
    other = [("close", "by hand", "exact"), ("timing", "scipy fft", "at least 2×")]
    book = [
        notebook("a", exact, loose, *other),
        notebook("b", tight),
        notebook("c", *other),
        notebook("d", exact),
        notebook("solutions", exact),
    ]
    found = [row["reference"] for row in index.agreements(book, most=2)]
    assert found == ["sklearn Ridge", "torch.optim"]
    assert [row["notebook"] for row in index.agreements(book)] == ["1.1", "1.2", "1.4"]


def test_index_asks_for_markers(script, book: Path) -> None:
    """A page without markers ends in a sentence."""
    (book / "ch01" / "README.md").write_text("# Page\n", encoding="utf-8")
    with pytest.raises(SystemExit, match=r"README\.md: needs one line <!-- con"):
        script("index").main(["--root", str(book)])


def test_index_takes_the_pictures_from_the_notebooks(script, book: Path) -> None:
    """A picture of README.md is the figure with the same alt text."""
    index = script("index")
    png = b"\x89PNG a figure"
    figure = v4.new_output(
        "display_data", {"image/png": base64.b64encode(png).decode("ascii")}
    )
    cell = v4.new_code_cell("plt.show()", outputs=[figure], execution_count=1)
    cell.metadata["mystnb"] = {"image": {"alt": "A bowl and a path"}}
    write(book / "ch01" / "03_bowl.ipynb", v4.new_markdown_cell("# 1.3 Bowl"), cell)
    page = book / "README.md"
    shown = "![A bowl and a path](ch01/bowl.png)\n"
    page.write_text(shown + read(page), encoding="utf-8")
    assert index.main(["--root", str(book)]) == 0
    assert (book / "ch01" / "bowl.png").read_bytes() == png
    assert index.main(["--root", str(book), "--check"]) == 0
    (book / "ch01" / "bowl.png").write_bytes(b"another")
    assert index.main(["--root", str(book), "--check"]) == 1
    page.write_text(read(page).replace("A bowl and", "A cup and"), encoding="utf-8")
    with pytest.raises(SystemExit, match="no figure of ch01 has the alt text"):
        index.main(["--root", str(book)])


def test_figures_are_stored_with_a_palette(script) -> None:
    """Lightening a figure twice changes nothing, and it keeps its pixels."""
    execute = script("execute")
    image = Image.new("RGBA", (60, 40), "#0072B2")
    image.paste("#D55E00", (10, 10, 30, 30))
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0)
    once = execute.lighter(base64.b64encode(file.getvalue()).decode("ascii"))
    assert execute.lighter(once) == once
    with Image.open(io.BytesIO(base64.b64decode(once))) as stored:
        assert stored.mode == "P"
        apart = ImageChops.difference(stored.convert("RGB"), image.convert("RGB"))
    assert max(high for _, high in apart.getextrema()) <= 2


def test_badges(script, book: Path, capsys: pytest.CaptureFixture) -> None:
    """Owner and name come from pyproject.toml alone."""
    badges = script("badges")
    assert badges.main(["--root", str(book), "--check"]) == 1
    assert "README.md, CITATION.cff" in capsys.readouterr().out
    assert badges.main(["--root", str(book)]) == 0
    assert badges.main(["--root", str(book), "--check"]) == 0
    page = read(book / "README.md")
    assert "mybinder.org/v2/gh/ada/book/HEAD?urlpath=lab/tree/README.md" in page
    assert "Python 3.11 to 3.13" in page
    assert "[every check](https://ada.github.io/book/proved.html)" in page
    assert 'repository-code: "https://github.com/ada/book"' in read(
        book / "CITATION.cff"
    )


def test_badges_want_a_repository(script, book: Path) -> None:
    """A missing or foreign address ends in a sentence."""
    path = book / "pyproject.toml"
    path.write_text(read(path).replace("github.com/ada", "x"), encoding="utf-8")
    with pytest.raises(SystemExit, match="Repository should be"):
        script("badges").main(["--root", str(book)])


def test_write_is_whole_or_nothing(
    script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that fails leaves the old file and no temporary one."""
    book = script("_book")
    path = tmp_path / "a.txt"
    book.write(path, "é\n")
    assert path.read_bytes() == "é\n".encode()

    def fail(*names: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(book.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        book.write(path, "new")
    assert read(path) == "é\n"
    assert list(tmp_path.iterdir()) == [path]
