"""Write the tables of contents from the notebooks themselves.

    python .github/scripts/index.py           writes README.md and chNN/README.md
    python .github/scripts/index.py --check   fails when one differs

Between the markers ``<!-- contents: begin -->`` and ``<!-- contents: end -->`` stands
a table with one row a notebook: what you build (the sentence under the title), what
it is checked against (the references in its stored ledger) and what a run costs.
README.md has a second table, between ``<!-- proved: begin -->`` and its end: what each
chapter proves, counted in the same ledgers.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from _book import chapters, parser, relative, replace_between, use_utf8, write

from helpers.tests.house_rules import Notebook, cost, load, promise

OPENING = "At the end you will have built "  # how every notebook's promise begins
NO_REFERENCE = re.compile(
    r"|—|planted mistake|\w+Error|same machine.*|theory.*|scan of.*|\([\d.]+\)"
)
PICTURE = re.compile(r"!\[([^\]]+)\]\((ch\d\d)/([\w-]+\.png)\)")
LIBRARY = re.compile(
    r"(?:sklearn|scipy|numpy|pandas|mlxtend|torch|nn|transformers|tokenizers|Lightning)\b"
)
BOUND = re.compile(r"([\d.]+(?:e-?\d+)?)$")
COUNTS = ("notebooks", "equations", "checks", "references")
PROVED = (
    f"| chapter | {' | '.join(COUNTS)} "
    "| the strictest of its last comparisons with a library |\n"
    "|---|--:|--:|--:|--:|---|"
)
COLUMNS = "| notebook | what you build | checked against | cost |\n|---|---|---|---|"


def row(notebook: Notebook, prefix: str) -> str:
    """Return the table row of a notebook.

    Parameters
    ----------
    notebook : Notebook
        The notebook, with its stored outputs.
    prefix : str
        The path from the page to the notebook's folder, empty or with a slash.

    Returns
    -------
    str
        One line of a Markdown table.
    """
    first = notebook.cells[0]
    file = notebook.name.rsplit("/", 1)[-1]
    cells = (
        f"[{notebook.title}]({prefix}{file})",
        _capitalized(promise(first.source).removeprefix(OPENING)),
        ", ".join(references([notebook])) or "—",
        cost(first.source) or "—",
    )
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"


def references(notebooks: Iterable[Notebook]) -> list[str]:
    """Return the independent references of the stored ledgers, each once."""
    rows = (row for notebook in notebooks for row in notebook.ledger)
    named = dict.fromkeys(row.get("reference", "—") for row in rows)
    return [name for name in named if not NO_REFERENCE.fullmatch(name)]


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def table(found: list[Notebook], prefix: str = "") -> str:
    """Return the table of a chapter."""
    return "\n".join([COLUMNS, *(row(notebook, prefix) for notebook in found)])


def counts(notebooks: list[Notebook]) -> dict[str, int]:
    """Return how much there is of what.

    Parameters
    ----------
    notebooks : list of Notebook
        Notebooks with their stored outputs.

    Returns
    -------
    dict of str to int
        Notebooks, numbered equations, checks, and independent references (hand
        computations, libraries, papers), each counted once.
    """
    numbers = (
        len(notebooks),
        sum(len(notebook.tagged) for notebook in notebooks),
        sum(len(notebook.ledger) for notebook in notebooks),
        len(references(notebooks)),
    )
    return dict(zip(COUNTS, numbers, strict=True))


def agreements(notebooks: list[Notebook], most: int = 3) -> list[dict[str, str]]:
    """Return the strictest of the comparisons in which the notebooks end.

    Parameters
    ----------
    notebooks : list of Notebook
        The notebooks of a chapter. Of each, solutions apart, counts the last line of
        the ledger that compares numbers with a library.
    most : int
        How many of these lines are kept: the ones with the smallest tolerances.

    Returns
    -------
    list of dict of str to str
        Rows of ledgers and the ``notebook`` of each, ``1.2``, in reading order.
    """
    last = []
    for notebook in notebooks:
        rows = [row for row in notebook.ledger if _compares(row)]
        if rows and not notebook.is_solutions:
            place = f"{notebook.chapter}.{notebook.number}"
            last.append(rows[-1] | {"notebook": place})
    strictest = sorted(last, key=_bound)[:most]
    return [row for row in last if row in strictest]


def _compares(row: dict[str, str]) -> bool:
    library = LIBRARY.match(row.get("reference", "")) is not None
    return library and row.get("method") in {"close", "equal"}


def _bound(row: dict[str, str]) -> float:
    match = BOUND.search(row.get("tolerance", ""))
    return float(match[1]) if match else 0.0  # exact


def proved(root: Path) -> str:
    """Return the table of what each chapter proves."""
    lines, book = [PROVED], []
    for folder, paths in chapters(root):
        notebooks = [load(path, root) for path in paths]
        book += notebooks
        phrases = (
            f"{row['notebook']}: {row['claim']} ({row['reference']}, "
            f"{row['tolerance']})"
            for row in agreements(notebooks)
        )
        title = f"[{heading(folder)}]({folder.name}/README.md)"
        lines.append(_proof(title, notebooks, "; ".join(phrases).replace("|", "\\|")))
    lines.append(_proof("**The book**", book, ""))
    return "\n".join(lines)


def _proof(title: str, notebooks: list[Notebook], example: str) -> str:
    numbers = (f"{number:,}" for number in counts(notebooks).values())
    return f"| {title} | {' | '.join(numbers)} | {example} |"


def heading(folder: Path) -> str:
    """Return a chapter's title: the H1 of its page."""
    page = folder / "README.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    match = re.search(r"^# +(.+?) *$", text, re.MULTILINE)
    return match[1] if match else f"Chapter {int(folder.name[2:])}"


def pages(root: Path) -> dict[Path, dict[str, str]]:
    """Return what stands between the markers of each page that has some.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    dict of Path to dict of str to str
        The page and, by the markers' name, its tables; chapters without notebooks
        have none.
    """
    found: dict[Path, dict[str, str]] = {}
    book = []
    for folder, paths in chapters(root):
        notebooks = [load(path, root) for path in paths]
        found[folder / "README.md"] = {"contents": table(notebooks)}
        link = f"### [{heading(folder)}]({folder.name}/README.md)"
        book.append(f"{link}\n\n{table(notebooks, f'{folder.name}/')}")
    if book:
        tables = {"contents": "\n\n".join(book), "proved": proved(root)}
        found[root / "README.md"] = tables
    return found


def pictures(root: Path) -> dict[Path, bytes]:
    """Return the figures that README.md shows, taken from the notebooks.

    A picture is tied to its figure by the description: the alt text in README.md is
    the one of a figure in that chapter's notebooks.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    dict of Path to bytes
        The picture's path and its PNG file.
    """
    page = root / "README.md"
    text = page.read_text(encoding="utf-8") if page.exists() else ""
    found: dict[Path, bytes] = {}
    for alt, chapter, name in PICTURE.findall(text):
        figures = {}
        for path in sorted((root / chapter).glob("*.ipynb")):
            figures |= _figures(path)
        description = " ".join(alt.split())
        if description not in figures:
            sys.exit(f"README.md: no figure of {chapter} has the alt text {alt!r}")
        found[root / chapter / name] = figures[description]
    return found


def _figures(path: Path) -> dict[str, bytes]:
    """Return the stored figures of a notebook by their alt texts."""
    found = {}
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        alt = cell["metadata"].get("mystnb", {}).get("image", {}).get("alt")
        for output in cell.get("outputs", []):
            if alt and "image/png" in output.get("data", {}):
                found[alt] = base64.b64decode("".join(output["data"]["image/png"]))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    use_utf8()
    options = parser(__doc__, "write nothing; fail when a table differs")
    chosen = options.parse_args(arguments)
    root, stale = chosen.root.resolve(), []
    generated: dict[Path, bytes] = pictures(root)
    for page, tables in pages(root).items():
        name = relative(page, root)
        if not page.exists():
            sys.exit(f"{name}: is missing; write the page with its contents markers")
        text = page.read_text(encoding="utf-8")
        for marker, body in tables.items():
            text = replace_between(text, marker, body, name)
        generated[page] = text.encode()
    for path, content in generated.items():
        if path.exists() and path.read_bytes() == content:
            continue
        stale.append(relative(path, root))
        if not chosen.check:
            write(path, content)
            print(f"wrote {relative(path, root)}")
    if chosen.check and stale:
        print(f"{', '.join(stale)}: differs from the notebooks: make index")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
