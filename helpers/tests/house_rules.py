"""The house rules that a program can check, one function a rule.

    python -m helpers.tests.house_rules ch01/01_perceptron.ipynb

prints what a notebook breaks: its name, the cell (``[12]`` is ``nb.cells[12]``: all
cells are counted, from 0) and what to do. Without arguments it reads the whole book.
`test_notebooks` applies every rule to every notebook; `test_house_rules` shows each
rule a notebook that breaks it.

A line of code is a line that is not blank. Rules that do not apply to the exercise
solutions are registered with ``solutions=False``.
"""

from __future__ import annotations

import ast
import io
import json
import posixpath
import re
import statistics
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from helpers.tests.plugin import notebooks

ROOT = Path(__file__).resolve().parents[2]

LINE = 79  # characters
CELL_LINES, DEFINITION_LINES, DRAWING_LINES, SETUP_LINES = 30, 45, 10, 12
CODE_RUN = 3  # code cells without a sentence between them
PROSE_SHARE = (0.50, 0.62)
MEDIAN_LINES = (4, 8)
FILE_KB = 600
ALT_CHARACTERS = 20
GOALS, EXERCISES = (3, 5), (4, 6)
SECTIONS = ("Where this breaks", "Summary", "Exercises", "References")
EXERCISE_KINDS = ("*derive*", "*code*", "*break it*", "*explore*")
PREDICT = "predict, then run"

NAME = re.compile(r"/ch\d\d/\d\d_\w+\.ipynb$")
TITLE = re.compile(r"# (\d+)\.(\d+) \S.*")
TAG = re.compile(r"\\tag\*?\{([^}]*)\}")
DISPLAY = re.compile(r"\$\$.*?\$\$", re.DOTALL)
CITATION = re.compile(r"\((\d+)\.(\d+)\.(\d+)\)")
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
IGNORES = re.compile(r"^\s*#\s*(?:NBVAL|PYTEST_VALIDATE)_IGNORE_OUTPUT\s*$", re.M)
SKIPS = re.compile(r"^\s*#\s*NBVAL_SKIP\s*$", re.M)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b")
ABSOLUTE = re.compile(r"(?<![\w.])(?:/(?:home|root|work|tmp|Users)/|[A-Z]:\\\w)")
UNSTABLE = re.compile(r"np\.(?:float|int|uint|bool|str|complex)\w*\(|<.* at 0x\w+>")
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+\.ipynb)(?:#[^)\s]*)?\)")
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
NETWORK = re.compile(
    r"^\s*[!%]{1,2}\s*(?:pip|conda|uv|wget|curl)\b"
    r"|\bimport requests\b|\brequests\.(?:get|post)\b|\burlopen\b|\burlretrieve\b"
    r"|\bwget\b|\bhf_hub_download\b|\bfetch_openml\b",
    re.M,
)
TORCH = re.compile(r"^\s*(?:import|from) torch\b", re.M)
EXPORT = re.compile(r"^#\|\s*exports?\b", re.M)

Tag = tuple[int, int, int]


class Finding(NamedTuple):
    """One place where a notebook breaks a rule.

    Attributes
    ----------
    notebook : str
        The file, as the book names it.
    cell : int or None
        Index over all cells, from 0; None when the whole file is meant.
    message : str
        What is wrong and what to do.
    """

    notebook: str
    cell: int | None
    message: str

    def __str__(self) -> str:
        place = "" if self.cell is None else f" cell [{self.cell}]"
        return f"{self.notebook}{place}: {self.message}"


@dataclass(frozen=True)
class Cell:
    """One cell, with what the rules ask about it."""

    index: int
    raw: dict[str, Any]

    @cached_property
    def source(self) -> str:
        """The text of the cell."""
        return _text(self.raw["source"])

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return self.raw["cell_type"] == "code"

    @property
    def is_markdown(self) -> bool:
        """Whether it is a markdown cell."""
        return self.raw["cell_type"] == "markdown"

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata of the cell."""
        return self.raw.get("metadata", {})

    @property
    def tags(self) -> list[str]:
        """The tags of the cell."""
        return self.metadata.get("tags", [])

    @property
    def outputs(self) -> list[dict[str, Any]]:
        """The stored outputs."""
        return self.raw.get("outputs", [])

    @property
    def lines(self) -> list[str]:
        """The lines that are not blank."""
        return [line for line in self.source.splitlines() if line.strip()]

    @cached_property
    def prose(self) -> str:
        """Markdown without fenced code."""
        return FENCE.sub("", self.source)

    @cached_property
    def printed(self) -> str:
        """All stored text: streams, plain text and HTML."""
        return "\n".join(
            _text(part)
            for output in self.outputs
            for part in (
                output.get("text", ""),
                output.get("data", {}).get("text/plain", ""),
                output.get("data", {}).get("text/html", ""),
            )
        )

    @property
    def draws(self) -> bool:
        """Whether an image is stored."""
        return any(
            mime.startswith("image/")
            for output in self.outputs
            for mime in output.get("data", {})
        )

    @cached_property
    def tree(self) -> list[ast.stmt]:
        """The statements; none when the cell is not plain Python."""
        try:
            return ast.parse(self.source).body
        except SyntaxError:
            return []


@dataclass(frozen=True)
class Notebook:
    """One notebook, as stored."""

    name: str
    raw: dict[str, Any]
    size: int = 0

    @cached_property
    def cells(self) -> list[Cell]:
        """All cells."""
        return [Cell(index, raw) for index, raw in enumerate(self.raw["cells"])]

    @property
    def code(self) -> list[Cell]:
        """The code cells."""
        return [cell for cell in self.cells if cell.is_code]

    @property
    def markdown(self) -> list[Cell]:
        """The markdown cells."""
        return [cell for cell in self.cells if cell.is_markdown]

    @property
    def chapter(self) -> int:
        """The chapter's number, from the path."""
        return int(self.name.split("/")[-2].removeprefix("ch"))

    @property
    def number(self) -> int:
        """The notebook's number in its chapter, from the path."""
        return int(self.name.split("/")[-1][:2])

    @property
    def module(self) -> str:
        """The name without number and suffix: ``perceptron``."""
        return self.name.split("/")[-1][3:].removesuffix(".ipynb")

    @property
    def is_solutions(self) -> bool:
        """Whether it holds the chapter's exercise solutions."""
        return self.module == "exercise_solutions"

    @property
    def title(self) -> str:
        """The H1 of the first cell; the module's name when there is none."""
        return (headings(self.cells[0], 1) or [self.module])[0]

    @cached_property
    def tagged(self) -> list[tuple[Cell, str]]:
        """Each equation's tag and its cell, in order."""
        return [
            (cell, tag) for cell in self.markdown for tag in TAG.findall(cell.prose)
        ]

    def section(self, title: str) -> list[Cell]:
        """Return the markdown cells of one section, from its H2 to the next."""
        found, inside = [], False
        for cell in self.markdown:
            for heading in headings(cell, 2):
                inside = title.lower() in heading.lower()
            if inside:
                found.append(cell)
        return found

    @cached_property
    def exercises(self) -> list[str]:
        """The text of each numbered exercise."""
        text = "\n".join(cell.prose for cell in self.section("Exercises"))
        return re.split(r"^\d+\.\s", text, flags=re.MULTILINE)[1:]

    @cached_property
    def solved(self) -> list[str]:
        """The exercises that a solutions notebook has headings for: ``1.2.3``."""
        text = "\n".join(cell.prose for cell in self.markdown)
        return re.findall(r"^#{2,4} +(\d+\.\d+\.\d+)\b", text, re.MULTILINE)

    @cached_property
    def ledger(self) -> list[dict[str, str]]:
        """The rows of the stored ledger; empty when there is none."""
        for output in self.code[-1].outputs if self.code else []:
            html = output.get("data", {}).get("text/html")
            if html is not None:
                return table_rows(_text(html))
        return []


@dataclass(frozen=True)
class Book:
    """All notebooks, for the rules that look beyond one."""

    notebooks: list[Notebook] = field(default_factory=list)

    @cached_property
    def tags(self) -> set[Tag]:
        """Every well-formed equation tag of the book."""
        found = (parse_tag(tag) for nb in self.notebooks for _, tag in nb.tagged)
        return {tag for tag in found if tag is not None}

    @cached_property
    def supported(self) -> set[Tag]:
        """The tags that code computes, and those from which these are derived.

        A markdown cell above the summary that holds or cites a supported equation
        is its derivation, and supports what it cites.
        """
        found = {
            tag
            for notebook in self.notebooks
            for cell in notebook.code
            for tag in cited_by_code(cell.source)
        }
        links = []
        for notebook in self.notebooks:
            for cell in _above_summary(notebook):
                held = {parse_tag(tag) for tag in TAG.findall(cell.prose)} - {None}
                cited = cited_by_text(cell.prose)
                links.append((held | cited, cited))
        grown = True
        while grown:
            before = len(found)
            for any_of, cited in links:
                if found & any_of:
                    found |= cited
            grown = len(found) > before
        return found


Rule = Callable[[Notebook, Book], list[Finding]]
RULES: dict[str, Rule] = {}


def rule(*, solutions: bool = True) -> Callable[[Callable], Rule]:
    """Register a generator of ``(cell index, message)`` as a rule.

    Parameters
    ----------
    solutions : bool
        Whether the rule holds for the exercise solutions too.
    """

    def register(function: Callable) -> Rule:
        def checked(notebook: Notebook, book: Book) -> list[Finding]:
            if notebook.is_solutions and not solutions:
                return []
            found = function(notebook, book)
            return [Finding(notebook.name, cell, message) for cell, message in found]

        checked.__name__ = function.__name__
        checked.__doc__ = function.__doc__
        RULES[function.__name__] = checked
        return checked

    return register


Found = Iterator[tuple[int | None, str]]


def _text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "".join(value)


def _above_summary(notebook: Notebook) -> Iterator[Cell]:
    """Yield the markdown cells before the summary, which cites everything."""
    for cell in notebook.markdown:
        if any("summary" in heading.lower() for heading in headings(cell, 2)):
            return
        yield cell


def headings(cell: Cell, level: int) -> list[str]:
    """Return the headings of one level in a markdown cell."""
    pattern = rf"^{'#' * level}[ \t]+(.+?)[ \t]*$"
    return re.findall(pattern, cell.prose, flags=re.MULTILINE)


def parse_tag(tag: str) -> Tag | None:
    """Return ``1.2.3`` as numbers; None when it has another form."""
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", tag.strip())
    return (int(match[1]), int(match[2]), int(match[3])) if match else None


def cited_by_text(text: str) -> set[Tag]:
    """Return the equations that a text cites as ``(1.2.3)``."""
    return {(int(c), int(n), int(i)) for c, n, i in CITATION.findall(text)}


def cited_by_code(source: str) -> set[Tag]:
    """Return the equations cited by a comment at the end of a line of code."""
    found: set[Tag] = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            before = token.line[: token.start[1]].strip()
            if token.type == tokenize.COMMENT and before:
                found |= cited_by_text(token.string)
    except (tokenize.TokenError, IndentationError, SyntaxError):
        for line in source.splitlines():  # a magic: good enough
            code, _, comment = line.partition("#")
            if code.strip():
                found |= cited_by_text(comment)
    return found


class _Table(HTMLParser):
    """Read the rows of an HTML table."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"} and self.rows:
            self.rows[-1].append("")
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.open = False

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1][-1] += data


def table_rows(html: str) -> list[dict[str, str]]:
    """Read a table as pandas writes it.

    Parameters
    ----------
    html : str
        The stored ``text/html`` of a data frame.

    Returns
    -------
    list of dict of str to str
        One a row, keyed by column; the index has the key ``""``.
    """
    table = _Table()
    table.feed(html)
    if not table.rows:
        return []
    columns, *rows = table.rows
    return [dict(zip(columns, row)) for row in rows]


def goals(title: str) -> list[str]:
    """Return the bullets under ``**You will**`` in the title cell."""
    _, _, rest = title.partition("**You will**")
    rest = re.split(r"^\*\*", rest, flags=re.MULTILINE)[0]
    return re.findall(r"^[-*] +\S.*$", rest, flags=re.MULTILINE)


def promise(title: str) -> str:
    """Return the sentence under the H1: what the reader will have built."""
    paragraphs = re.split(r"\n\s*\n", title.strip())
    body = "\n".join(paragraphs[0].splitlines()[1:]).strip()
    if not body:
        body = paragraphs[1] if len(paragraphs) > 1 else ""
    return "" if body.startswith(("**", "#", "-")) else " ".join(body.split())


def cost(title: str) -> str:
    """Return what the line ``**Cost**`` says."""
    match = re.search(
        r"^\*\*Cost:?\*\*(.*(?:\n(?!\s*\n|\*\*).*)*)", title, re.MULTILINE
    )
    text = " ".join(match[1].split()).lstrip(":—–- ").strip() if match else ""
    return text[:1].upper() + text[1:]


# --- the title cell ------------------------------------------------------------------


@rule()
def title(notebook: Notebook, book: Book) -> Found:
    """One H1, in the first cell, that carries the notebook's number."""
    for cell in notebook.markdown:
        for heading in headings(cell, 1) if cell.index else []:
            yield cell.index, f"a second H1, {heading!r}: make it ## or lower"
    first = notebook.cells[0] if notebook.cells else None
    expected = f"# {notebook.chapter}.{notebook.number} Title"
    if first is None or not first.is_markdown:
        yield 0, f"the first cell is the title cell: markdown that begins {expected!r}"
        return
    match = TITLE.fullmatch(first.source.strip().splitlines()[0])
    if match is None or len(headings(first, 1)) != 1:
        yield 0, f"begin with one H1 of the form {expected!r}"
    elif (int(match[1]), int(match[2])) != (notebook.chapter, notebook.number):
        yield 0, f"the number in the title is not the file's: write {expected!r}"
    if not promise(first.source).endswith("."):
        yield 0, "write one sentence under the H1: what the reader will have built"


@rule()
def title_cost(notebook: Notebook, book: Book) -> Found:
    """The title cell says what a run costs."""
    if notebook.cells and not cost(notebook.cells[0].source):
        yield 0, "add a line that starts **Cost**: seconds on 2 cores, memory"


@rule(solutions=False)
def title_goals(notebook: Notebook, book: Book) -> Found:
    """The title cell says what you will be able to do and what you need."""
    source = notebook.cells[0].source if notebook.cells else ""
    for marker in ("**You will**", "**You need**"):
        if marker not in source:
            yield 0, f"the title cell lacks {marker}"
    count = len(goals(source))
    if not GOALS[0] <= count <= GOALS[1]:
        yield 0, f"{count} bullets under **You will**, write {GOALS[0]} to {GOALS[1]}"


# --- equations -----------------------------------------------------------------------


@rule()
def equation_tags(notebook: Notebook, book: Book) -> Found:
    r"""Tags are ``\tag{chapter.notebook.index}`` in display equations, 1, 2, 3, ..."""
    expected = 1
    for cell, tag in notebook.tagged:
        numbers = parse_tag(tag)
        if numbers != (notebook.chapter, notebook.number, expected):
            want = f"{notebook.chapter}.{notebook.number}.{expected}"
            yield cell.index, f"\\tag{{{tag}}} should be \\tag{{{want}}}"
        expected += 1
    for cell in notebook.markdown:
        if TAG.search(DISPLAY.sub("", cell.prose)):
            yield cell.index, "a \\tag outside $$ ... $$ is not rendered"


@rule(solutions=False)
def equation_present(notebook: Notebook, book: Book) -> Found:
    """At least one equation is numbered."""
    if not notebook.tagged:
        tag = f"{notebook.chapter}.{notebook.number}.1"
        yield (
            None,
            f"no numbered equation: write what the code computes: \\tag{{{tag}}}",
        )


@rule()
def citations_resolve(notebook: Notebook, book: Book) -> Found:
    """Every ``(1.2.3)`` in text and code is an equation of the book."""
    for cell in notebook.cells:
        text = cell.prose if cell.is_markdown else cell.source
        for tag in sorted(cited_by_text(text) - book.tags):
            name = ".".join(map(str, tag))
            yield cell.index, f"cites ({name}), and no equation has \\tag{{{name}}}"


@rule()
def equations_are_code(notebook: Notebook, book: Book) -> Found:
    """Code computes every numbered equation, or one that is derived from it."""
    for cell, tag in notebook.tagged:
        numbers = parse_tag(tag)
        if numbers is not None and numbers not in book.supported:
            yield (
                cell.index,
                f"no line of code ends in # ({tag}), and no derivation of one that "
                f"code cites mentions it: cite it, or drop its \\tag",
            )


# --- the shape of the code -----------------------------------------------------------


@rule()
def line_length(notebook: Notebook, book: Book) -> Found:
    """Lines of code fit into 79 characters."""
    for cell in notebook.code:
        for number, line in enumerate(cell.source.splitlines(), start=1):
            if len(line) > LINE:
                yield (
                    cell.index,
                    f"line {number} has {len(line)} characters, {LINE} fit",
                )


@rule()
def cell_length(notebook: Notebook, book: Book) -> Found:
    """Cells are short; one class or function may be longer."""
    for cell in notebook.code:
        length, limit = len(cell.lines), CELL_LINES
        imports = (ast.Import, ast.ImportFrom)
        body = [node for node in cell.tree if not isinstance(node, imports)]
        single = (ast.ClassDef, ast.FunctionDef)
        if len(body) == 1 and isinstance(body[0], single):
            limit = DEFINITION_LINES
            length -= sum(line.startswith("#|") for line in cell.lines)
            for node in cell.tree:
                if isinstance(node, imports):
                    length -= (node.end_lineno or node.lineno) - node.lineno + 1
        if length > limit:
            yield cell.index, f"{length} lines of code, {limit} fit: split the cell"


@rule()
def drawing_length(notebook: Notebook, book: Book) -> Found:
    """A cell that draws is short; more belongs in helpers.plotting."""
    for cell in notebook.code:
        length = sum(not line.lstrip().startswith("#") for line in cell.lines)
        if cell.draws and length > DRAWING_LINES:
            yield (
                cell.index,
                f"{length} lines of code draw a figure, {DRAWING_LINES} fit: compute "
                "in a cell before it, or move the drawing to helpers.plotting",
            )


@rule()
def setup_length(notebook: Notebook, book: Book) -> Found:
    """The setup cell is short."""
    for cell in notebook.code[:1]:
        if len(cell.lines) > SETUP_LINES:
            yield cell.index, f"the setup cell has {len(cell.lines)} lines, not <= 12"


@rule()
def rhythm(notebook: Notebook, book: Book) -> Found:
    """Never more than three code cells without a sentence between them."""
    for is_code, group in groupby(notebook.cells, key=lambda cell: cell.is_code):
        cells = list(group)
        if is_code and len(cells) > CODE_RUN:
            yield (
                cells[CODE_RUN].index,
                f"{len(cells)} code cells in a row, {CODE_RUN} at most: "
                "say what one of them shows",
            )


@rule(solutions=False)
def prose_share(notebook: Notebook, book: Book) -> Found:
    """Half of the cells or a little more are prose."""
    share = len(notebook.markdown) / max(len(notebook.cells), 1)
    low, high = PROSE_SHARE
    if not low <= share <= high:
        yield None, f"{share:.0%} of the cells are prose, {low:.0%} to {high:.0%} fit"


@rule(solutions=False)
def median_length(notebook: Notebook, book: Book) -> Found:
    """The median code cell holds one idea."""
    median = statistics.median([len(cell.lines) for cell in notebook.code] or [0])
    low, high = MEDIAN_LINES
    if not low <= median <= high:
        yield None, f"the median code cell has {median:g} lines, {low} to {high} fit"


@rule()
def hidden_value(notebook: Notebook, book: Book) -> Found:
    """No value is hidden by a semicolon at the end: nbval shows it all the same."""
    for cell in notebook.code:
        tree = cell.tree
        last = tree[-1] if tree else None
        if not isinstance(last, ast.Expr) or ast.unparse(last) == "plt.show()":
            continue
        code = cell.source.splitlines()[(last.end_lineno or 1) - 1]
        if code[last.end_col_offset :].lstrip().startswith(";"):
            yield (
                cell.index,
                "ends in ;, which nbval does not honor: assign the value to _, "
                "or end with plt.show()",
            )


# --- what is stored ------------------------------------------------------------------


@rule()
def run_order(notebook: Notebook, book: Book) -> Found:
    """Every code cell was run, from the top, in one go."""
    expected = 1
    for cell in notebook.code:
        if not cell.source.strip():
            yield cell.index, "the code cell is empty: delete it"
            continue
        count = cell.raw.get("execution_count")
        if count != expected:
            yield (
                cell.index,
                f"execution count {count}, expected {expected}: "
                f"make run NB={notebook.name}",
            )
            return
        expected += 1


@rule()
def clean_outputs(notebook: Notebook, book: Book) -> Found:
    """No warning, no error, no address, no repr of a NumPy scalar is stored."""
    for cell in notebook.code:
        for output in cell.outputs:
            if output.get("name") == "stderr":
                yield cell.index, "stderr is stored: mend what warns"
            raises = "raises-exception" in cell.tags
            if output["output_type"] == "error" and not raises:
                yield cell.index, f"an error is stored: {output.get('ename')}"
        unstable = UNSTABLE.search(cell.printed)
        if unstable:
            yield (
                cell.index,
                f"the output holds {unstable[0]!r}, which differs between machines "
                "or versions: print formatted values",
            )


@rule()
def stored_form(notebook: Notebook, book: Book) -> Found:
    """The file is small and holds no traces of an editor or a run."""
    fix = f"make run NB={notebook.name}"
    kernel = notebook.raw.get("metadata", {}).get("kernelspec", {}).get("name")
    if kernel != "python3":
        yield None, f"kernelspec {kernel!r} instead of 'python3': {fix}"
    if "widgets" in notebook.raw.get("metadata", {}):
        yield None, f"widget state is stored, GitHub refuses such files: {fix}"
    for cell in notebook.cells:
        if "execution" in cell.metadata:
            yield cell.index, f"execution times are stored: {fix}"
    if notebook.size > FILE_KB * 1024:
        size = notebook.size / 1024
        yield None, f"the file has {size:.0f} KB, {FILE_KB} fit: smaller figures, fewer"


@rule()
def alt_text(notebook: Notebook, book: Book) -> Found:
    """Every figure is described for readers who do not see it."""
    for cell in notebook.code:
        image = (cell.metadata.get("mystnb") or {}).get("image") or {}
        if cell.draws and len(str(image.get("alt", "")).strip()) < ALT_CHARACTERS:
            yield (
                cell.index,
                "the figure has no alt text: set the cell's metadata "
                '{"mystnb": {"image": {"alt": "what it shows, in a sentence"}}}',
            )


@rule()
def nbval_marks(notebook: Notebook, book: Book) -> Found:
    """Outputs are compared, but for one cell in ten."""
    ignored = []
    for cell in notebook.code:
        if "nbval-skip" in cell.tags or SKIPS.search(cell.source):
            yield cell.index, "nbval-skip is not allowed: every cell runs"
        tags = {"nbval-ignore-output", "pytest-validate-ignore-output"}
        if tags & set(cell.tags) or IGNORES.search(cell.source):
            ignored.append(cell.index)
    if len(ignored) * 10 > len(notebook.code):
        yield (
            ignored[-1],
            f"{len(ignored)} of {len(notebook.code)} code cells ignore their output, "
            "one in ten may: print what holds on any machine",
        )


# --- checks --------------------------------------------------------------------------


@rule()
def checks(notebook: Notebook, book: Book) -> Found:
    """At least two claims are checked, in two ways, and the ledger lists them all."""
    lines = [
        line
        for cell in notebook.code
        for line in cell.printed.splitlines()
        if line.startswith("✓ ")
    ]
    if len(lines) < 2:
        yield None, f"{len(lines)} stored checks (lines with ✓), at least 2 are needed"
    last = notebook.code[-1] if notebook.code else None
    if last is None or not last.lines or last.lines[-1].strip() != "check.ledger()":
        index = None if last is None else last.index
        yield index, "the last code cell ends in check.ledger()"
        return
    rows = notebook.ledger
    if len(rows) != len(lines):
        yield (
            last.index,
            f"the stored ledger has {len(rows)} rows, the notebook prints {len(lines)} "
            f"checks: two claims with the same text, or make run NB={notebook.name}",
        )
    if len({row.get("method") for row in rows}) < 2:
        yield last.index, "all checks are of one method: add one of another"


# --- sections and exercises ----------------------------------------------------------


@rule(solutions=False)
def sections(notebook: Notebook, book: Book) -> Found:
    """The closing sections are there, in order."""
    found = [h.lower() for cell in notebook.markdown for h in headings(cell, 2)]
    position = 0
    for wanted in SECTIONS:
        places = [i for i, h in enumerate(found) if wanted.lower() in h]
        later = [place for place in places if place >= position]
        if not later:
            problem = "stands in the wrong place" if places else "is missing"
            order = ", ".join(SECTIONS)
            yield None, f"the section '## {wanted}' {problem}; the order is {order}"
        else:
            position = later[0]


@rule(solutions=False)
def exercises(notebook: Notebook, book: Book) -> Found:
    """Four to six marked exercises, one of them to be predicted first."""
    cells = notebook.section("Exercises")
    if not cells:
        return  # `sections` says so
    index, count = cells[0].index, len(notebook.exercises)
    low, high = EXERCISES
    if not low <= count <= high:
        yield index, f"{count} numbered exercises, {low} to {high} fit"
    for number, text in enumerate(notebook.exercises, start=1):
        if not any(kind in text for kind in EXERCISE_KINDS):
            kinds = ", ".join(EXERCISE_KINDS)
            yield index, f"exercise {number} is not marked with one of {kinds}"
    if not any(PREDICT in " ".join(text.split()) for text in notebook.exercises):
        yield index, f'no exercise says "{PREDICT}"'


@rule()
def solutions(notebook: Notebook, book: Book) -> Found:
    """The solutions notebook has a heading for every exercise of the chapter."""
    if not notebook.is_solutions:
        return
    for other in book.notebooks:
        if other.chapter == notebook.chapter and not other.is_solutions:
            for number in range(1, len(other.exercises) + 1):
                name = f"{other.chapter}.{other.number}.{number}"
                if name not in notebook.solved:
                    yield (
                        None,
                        f"exercise {number} of {other.name} is not solved here: "
                        f"add a heading '### {name}' and the solution",
                    )


# --- prose and imports ---------------------------------------------------------------


@rule()
def links(notebook: Notebook, book: Book) -> Found:
    """A link to a notebook leads to one that exists."""
    known = {other.name for other in book.notebooks}
    folder = notebook.name.rpartition("/")[0]
    for cell in notebook.markdown:
        for target in LINK.findall(cell.prose):
            if posixpath.normpath(f"{folder}/{target}") not in known:
                yield cell.index, f"links to {target}, which does not exist"


@rule()
def finished(notebook: Notebook, book: Book) -> Found:
    """Nothing is left to do, and nothing names a folder of one machine."""
    for cell in notebook.cells:
        todo = UNFINISHED.search(cell.source)
        if todo:
            yield cell.index, f"{todo[0]} is left: do it or drop it"
        path = ABSOLUTE.search(f"{cell.source}\n{cell.printed}")
        if path:
            yield cell.index, f"{path[0]!r} begins a path of one machine: drop it"


@rule()
def control_characters(notebook: Notebook, book: Book) -> Found:
    r"""No tab or other control character, as left by a ``\\t`` that was not raw."""
    for cell in notebook.cells:
        match = CONTROL.search(cell.source)
        if match:
            around = cell.source[max(0, match.start() - 10) : match.end() + 10]
            yield cell.index, f"holds the character {match[0]!r} in {around!r}"


@rule()
def offline(notebook: Notebook, book: Book) -> Found:
    """Notebooks install nothing and download nothing."""
    for cell in notebook.code:
        match = NETWORK.search(cell.source)
        if match:
            yield (
                cell.index,
                f"{match[0].strip()!r} needs the network: data come from helpers.data, "
                "packages from requirements.txt",
            )


@rule()
def torch_late(notebook: Notebook, book: Book) -> Found:
    """Before chapter 4, torch is a reference in one cell, and never exported."""
    if notebook.chapter > 3:
        return
    users = [cell for cell in notebook.code if TORCH.search(cell.source)]
    for cell in users:
        if EXPORT.search(cell.source):
            yield cell.index, "an exported cell imports torch; chapters 1-3 run without"
    if len(users) > 1:
        yield users[1].index, "torch is imported in a second cell; one check cell may"


@rule()
def arrows(notebook: Notebook, book: Book) -> Found:
    """A notebook imports from its own chapter and earlier ones."""
    for cell in notebook.code:
        for chapter in imported_chapters(cell.source):
            if chapter > notebook.chapter:
                yield (
                    cell.index,
                    f"imports from the later chapter helpers.ch{chapter:02}",
                )


def imported_chapters(source: str) -> list[int]:
    """Return the chapters NN from which Python text imports ``helpers.chNN``."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module or ''}.{alias.name}" for alias in node.names]
    pattern = re.compile(r"(?:helpers)?\.ch(\d\d)\b")
    matches = (pattern.match(name) for name in names)
    return [int(match[1]) for match in matches if match]


def helper_arrows(root: Path) -> list[Finding]:
    """Check the direction of the imports among the helpers.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    list of Finding
        Hand-written helpers that import from a chapter, and chapters' modules that
        import from a later one.
    """
    found = []
    for path in sorted((root / "helpers").glob("*.py")):
        for chapter in imported_chapters(path.read_text(encoding="utf-8")):
            message = f"a hand-written helper imports from helpers.ch{chapter:02}"
            found.append(Finding(path.relative_to(root).as_posix(), None, message))
    for path in sorted((root / "helpers").glob("ch[0-9][0-9]/*.py")):
        own = int(path.parent.name[2:])
        for chapter in imported_chapters(path.read_text(encoding="utf-8")):
            if chapter > own:
                message = f"imports from the later chapter helpers.ch{chapter:02}"
                found.append(Finding(path.relative_to(root).as_posix(), None, message))
    return found


# --- reading the book ----------------------------------------------------------------


def load(path: Path, root: Path = ROOT) -> Notebook:
    """Read one notebook.

    Parameters
    ----------
    path : Path
        The file.
    root : Path
        The book's folder.

    Returns
    -------
    Notebook
        Named relative to `root`.
    """
    data = path.read_bytes()
    try:
        name = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        name = path.resolve().as_posix()
    return Notebook(name, json.loads(data), len(data))


def load_book(root: Path = ROOT) -> Book:
    """Read all notebooks of the book."""
    return Book([load(path, root) for path in notebooks(root)])


def check(notebook: Notebook, book: Book) -> list[Finding]:
    """Apply every rule to one notebook."""
    return [finding for rule in RULES.values() for finding in rule(notebook, book)]


def main(arguments: list[str]) -> int:
    """Print the findings of the named notebooks, or of all, and return the status."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    book = load_book()
    chosen = book.notebooks
    if arguments:
        for path in map(Path, arguments):
            if not path.is_file() or not NAME.search(path.resolve().as_posix()):
                print(f"{path}: not a notebook named chNN/KK_name.ipynb")
                return 2
        chosen = [load(Path(argument)) for argument in arguments]
        names = {notebook.name for notebook in chosen}
        others = [nb for nb in book.notebooks if nb.name not in names]
        book = Book(others + chosen)
    found = [finding for notebook in chosen for finding in check(notebook, book)]
    if not arguments:
        found += helper_arrows(ROOT)
    for finding in found:
        print(finding)
    print(f"{len(chosen)} notebooks, {len(RULES)} rules, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
