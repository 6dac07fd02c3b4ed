"""The generated pages of the site: equations, what is proved, benchmarks, modules.

Each function returns Markdown; every number in it is read from the stored notebooks,
from helpers/chNN or from helpers/benchmarks/results.
"""

from __future__ import annotations

import ast
import html
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from atlas import Atlas, Export, document
from index import counts as counted
from index import heading

from helpers.tests.house_rules import Notebook

PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
LEDGER = ("claim", "method", "reference", "tolerance")
BENCHMARK = "task reference ours theirs ratio limit gap met".split()
BAR, ROW, LEFT, WIDTH = 10, 32, 16, 500  # of a benchmark's picture, in its own units


def escaped(text: str) -> str:
    """Return Markdown that shows exactly this text."""
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table; the cells are Markdown already."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def by_chapter(notebooks: Iterable[Notebook]) -> Iterator[tuple[int, list[Notebook]]]:
    """Yield each chapter's number and its notebooks."""
    for chapter, found in groupby(notebooks, lambda notebook: notebook.chapter):
        yield chapter, list(found)


# --- equations -----------------------------------------------------------------------


def equations(atlas: Atlas, root: Path) -> dict[str, str]:
    """Return the page of all equations: a chapter each, and one that leads to them.

    Parameters
    ----------
    atlas : Atlas
        The book's places.
    root : Path
        The book's folder.

    Returns
    -------
    dict of str to str
        The pages' names, without suffix, and their Markdown.
    """
    pages, rows = {}, []
    for chapter, notebooks in by_chapter(atlas.book.notebooks):
        sections = [_equations_of(atlas, notebook) for notebook in notebooks]
        count = sum(len(notebook.tagged) for notebook in notebooks)
        if not count:
            continue
        name = f"equations/ch{chapter:02}"
        title = heading(root / f"ch{chapter:02}")
        pages[name] = "\n\n".join([f"# Equations of {title}", *filter(None, sections)])
        rows.append([f"[{title}](ch{chapter:02}.md)", str(count)])
    total = sum(len(notebook.tagged) for notebook in atlas.book.notebooks)
    pages["equations/index"] = "\n\n".join(
        [
            "# Equations",
            f"The {total} numbered equations of the book. Each leads to the place "
            "where it is derived and to the line of code that computes it.",
            table(["chapter", "equations"], rows),
            toctree(sorted(name.split("/")[1] for name in pages)),
        ]
    )
    return pages


def _equations_of(atlas: Atlas, notebook: Notebook) -> str:
    found = [e for e in atlas.equations if e.notebook is notebook]
    if not found:
        return ""
    displays = (f"$$\n{equation.latex}\n$$" for equation in found)
    return "\n\n".join([f"## {escaped(notebook.title)}", *displays])


# --- what is proved ------------------------------------------------------------------


def counts(atlas: Atlas) -> dict[str, int]:
    """Return how much there is of what.

    Parameters
    ----------
    atlas : Atlas
        The book's places.

    Returns
    -------
    dict of str to int
        Cells, and what `index.counts` counts.
    """
    notebooks = atlas.book.notebooks
    cells = sum(len(notebook.cells) for notebook in notebooks)
    return {"notebooks": len(notebooks), "cells": cells, **counted(notebooks)}


def proved(atlas: Atlas, root: Path) -> str:
    """Return the page of all ledgers.

    Parameters
    ----------
    atlas : Atlas
        The book's places.
    root : Path
        The book's folder.

    Returns
    -------
    str
        Counts, checks by method, and a table a notebook.
    """
    total = counts(atlas)
    methods = Counter(
        row["method"] for notebook in atlas.book.notebooks for row in notebook.ledger
    )
    parts = [
        "# What is proved",
        "Every line is a check that ran in a notebook and would have raised an error "
        "had it been false. The tables are read from the stored outputs of "
        "`check.ledger()`, the last cell of each notebook; the tests run every "
        "notebook and compare these outputs.",
        table(total, [[f"**{number:,}**" for number in total.values()]]),
        table(
            ["method", "checks"],
            [[escaped(method), str(n)] for method, n in methods.most_common()],
        ),
    ]
    for chapter, notebooks in by_chapter(atlas.book.notebooks):
        parts.append(f"## {heading(root / f'ch{chapter:02}')}")
        for notebook in notebooks:
            link = f"[The notebook](book:{document(notebook)})"
            rows = notebook.ledger
            parts += [
                f"### {escaped(notebook.title)}",
                f"{link}, {len(notebook.tagged)} equations, {len(rows)} checks.",
                table(LEDGER, [[escaped(row[key]) for key in LEDGER] for row in rows]),
            ]
    return "\n\n".join(parts)


# --- benchmarks ----------------------------------------------------------------------


def benchmarks(root: Path) -> str:
    """Return the page of the last `make bench`.

    Parameters
    ----------
    root : Path
        The book's folder; reads helpers/benchmarks/results/chNN.json.

    Returns
    -------
    str
        For each chapter machine, date, versions, a picture and a table.
    """
    parts = [
        "# Benchmarks",
        "Our code against the field's libraries, both on one thread, run in "
        "alternation by `make bench`. A ratio of 1 means equal speed, 0.5 that ours "
        "takes half the time. *Gap* says how far the two results are apart; a row is "
        "met when the gap and the ratio are within their bounds.",
    ]
    for path in sorted((root / "helpers/benchmarks/results").glob("ch*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        versions = ", ".join(f"{k} {v}" for k, v in record["versions"].items())
        machine = (
            f"{record['date']}, {record['system']}, {record['cores']} cores, "
            f"{record['threads']} thread, Python {record['python']}, {versions}; "
            f"medians of {record['repeats']} runs"
        )
        parts += [
            f"## {heading(root / path.stem)}",
            f'{escaped(machine)}. <a href="_static/benchmarks/{path.name}">JSON</a>',
            picture(record["rows"]),
            table(
                BENCHMARK,
                [_benchmark_row(row) for row in record["rows"]],
            ),
        ]
    return "\n\n".join(parts)


def _benchmark_row(row: dict[str, Any]) -> list[str]:
    finite = math.isfinite(row["target"])
    return [
        escaped(row["task"]),
        escaped(row["reference"]),
        seconds(row["ours"]),
        seconds(row["theirs"]),
        f"{row['ratio']:.2f}",
        f"{row['target']:g}" if finite else "—",
        f"{row['gap']:.1e} of {row['allowed']:g}",
        "yes" if row["met"] else "no",
    ]


def seconds(value: float) -> str:
    """Return a time with a unit that suits it."""
    return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"


def picture(rows: list[dict[str, Any]]) -> str:
    """Return the ratios as bars on a logarithmic axis, as SVG in the page.

    Parameters
    ----------
    rows : list of dict
        The rows of one chapter's record.

    Returns
    -------
    str
        One line of HTML; the picture takes the text's color, light or dark.
    """
    logs = [math.log10(max(row["ratio"], 1e-3)) for row in rows]
    low, high = math.floor(min(*logs, -1)), math.ceil(max(*logs, 1))
    scale = (WIDTH - LEFT - 50) / (high - low)
    zero = LEFT - low * scale
    bottom = len(rows) * ROW
    parts = []
    for power in range(low, high + 1):
        x = LEFT + (power - low) * scale
        parts.append(
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="0" y2="{bottom}" '
            f'stroke="currentColor" opacity="{0.9 if power == 0 else 0.25}"/>'
            f'<text x="{x:.0f}" y="{bottom + 18}" text-anchor="middle">'
            f"{10.0**power:g}</text>"
        )
    for index, (row, value) in enumerate(zip(rows, logs, strict=True)):
        y, end = index * ROW + 17, zero + value * scale
        label = html.escape(f"{row['task']} / {row['reference']}")
        parts.append(
            f'<rect x="{min(zero, end):.1f}" y="{y}" height="{BAR}" '
            f'width="{max(abs(end - zero), 1):.1f}" '
            f'fill="{"#0072b2" if value <= 0 else "#d55e00"}"/>'
            f'<text x="{LEFT}" y="{y - 4}">{label}</text>'
            f'<text x="{max(zero, end) + 4:.1f}" y="{y + 9}">{row["ratio"]:.2f}</text>'
        )
    faster = sum(row["ratio"] <= 1 for row in rows)
    alt = (
        f"Ratios of our time to the library's on a logarithmic axis: ours is the "
        f"faster one in {faster} of {len(rows)} tasks. The table has the numbers."
    )
    return (
        f'<svg class="benchmark" role="img" viewBox="0 0 {WIDTH} {bottom + 26}" '
        f'font-size="11" fill="currentColor"><title>{alt}</title>{"".join(parts)}</svg>'
    )


# --- modules -------------------------------------------------------------------------


def modules(atlas: Atlas, root: Path) -> dict[str, str]:
    """Return a page for each module that a notebook exports.

    Parameters
    ----------
    atlas : Atlas
        The book's places.
    root : Path
        The book's folder.

    Returns
    -------
    dict of str to str
        The pages' names, without suffix, and their Markdown.
    """
    pages = {}
    for name, exports in atlas.exports.items():
        if not exports:
            continue
        module = exports[0].module
        path = root / "helpers" / f"{module.replace('.', '/')}.py"
        if path.is_file():
            notebook = atlas.by_document[name]
            page = f"helpers/{module.replace('.', '/')}"
            pages[page] = _module(path.read_text(encoding="utf-8"), notebook, exports)
    names = [name.removeprefix("helpers/") for name in pages]
    pages["helpers/index"] = "\n\n".join(
        [
            "# Modules",
            "The classes and functions that one notebook hands to the next. "
            "`make export` writes them from the notebooks' cells.",
            toctree(names, hidden=False),
        ]
    )
    return pages


def _module(source: str, notebook: Notebook, exports: list[Export]) -> str:
    known = {export.name: export for export in exports}
    module = f"helpers.{exports[0].module}"
    lines = source.splitlines()
    parts = [
        f"# {module}",
        f"Written from [{escaped(notebook.title)}](book:{document(notebook)}).",
    ]
    start = 0
    for node in ast.parse(source).body:
        if getattr(node, "name", None) in known:
            decorators = [d.lineno for d in getattr(node, "decorator_list", [])]
            first = min([node.lineno, *decorators]) - 1
            parts += [
                _code(lines[start:first]),
                f"## {node.name}",
                f'<span id="def-{node.name}"></span>\n\n'
                f"[Its cell in the notebook](book:{known[node.name].origin})",
                _code(lines[first : node.end_lineno]),
            ]
            start = node.end_lineno
    parts.append(_code(lines[start:]))
    return "\n\n".join(part for part in parts if part)


def _code(lines: list[str]) -> str:
    text = "\n".join(lines).strip("\n")
    return f"````python\n{text}\n````" if text else ""


def toctree(names: Iterable[str], *, hidden: bool = True, caption: str = "") -> str:
    """Return a table of contents for Sphinx."""
    options = [":hidden:"] if hidden else [":titlesonly:"]
    options += [f":caption: {caption}"] if caption else []
    return "\n".join(["```{toctree}", *options, "", *names, "```"])
