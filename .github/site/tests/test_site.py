"""The built pages against the notebooks: numbers, links, descriptions."""

from __future__ import annotations

import html
import json
import re
import shutil
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pages
import pytest
from atlas import Atlas, document, shown
from badges import repository
from build import external, trimmed
from conftest import ROOT

from helpers.tests.house_rules import Book, Notebook, load_book

TAG = re.compile(r"<(a|img|link|script|h[1-6])\b([^>]*)>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
ID = re.compile(r'<[^<>]*\sid="([^"]*)"')


class Reader:
    """The ids, links, images and headings of a page, as Sphinx writes them.

    Parameters
    ----------
    text : str
        The page; a parser proper would take twenty times as long for all pages.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.ids: list[str] = ID.findall(text)
        self.links: list[str] = []
        self.loads: list[str] = []
        self.alts: list[str | None] = []
        self.headings: list[int] = []
        for tag, rest in TAG.findall(text):
            pairs = ATTRIBUTE.findall(rest)
            self._note(tag, {key: html.unescape(value) for key, value in pairs})

    def _note(self, tag: str, found: dict[str, str]) -> None:
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.alts.append(found.get("alt"))
        if tag[1:].isdigit():
            self.headings.append(int(tag[1]))
        if tag == "link" and found.get("rel") == "stylesheet":
            self.loads.append(found["href"])
        if tag in {"script", "img"} and found.get("src"):
            self.loads.append(found["src"])


@pytest.fixture(scope="session")
def read(site: Path) -> dict[str, Reader]:
    """Every page, read once, by its name."""
    found = {}
    for path in site.rglob("*.html"):
        name = path.relative_to(site).as_posix()
        if not name.startswith("_static/"):
            found[name] = Reader(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="session")
def atlas() -> Atlas:
    """The places of the book."""
    return Atlas(load_book(ROOT))


def test_every_notebook_has_a_page(read, atlas):
    missing = {f"{document(nb)}.html" for nb in atlas.book.notebooks} - set(read)
    assert not missing


def test_every_equation_is_anchored_once_and_listed(read, atlas):
    for equation in atlas.equations:
        for c, n, i in equation.tags:
            anchor = f"eq-{c}-{n}-{i}"
            home = read[f"{document(equation.notebook)}.html"]
            assert home.ids.count(anchor) == 1, anchor
            assert read[f"equations/ch{c:02}.html"].ids.count(anchor) == 1, anchor
    assert len(atlas.home) == sum(len(nb.tagged) for nb in atlas.book.notebooks)


def test_code_anchors(read, atlas):
    for (c, n, i), name in atlas.code.items():
        assert f"code-{c}-{n}-{i}" in read[f"{name}.html"].ids, (c, n, i)


def test_internal_links_resolve(read, site):
    broken = []
    for name, page in read.items():
        for href in page.links:
            parts = urlsplit(href)
            if parts.scheme or parts.netloc:
                continue
            target = (site / name).parent / unquote(parts.path) if parts.path else None
            path = target.resolve() if target else (site / name).resolve()
            if not path.exists():
                broken.append(f"{name}: {href}")
            elif path.suffix == ".html" and parts.fragment:
                reader = read.get(path.relative_to(site.resolve()).as_posix())
                if reader and unquote(parts.fragment) not in reader.ids:
                    broken.append(f"{name}: {href}")
    assert not broken, "\n".join(broken[:20])


def test_nothing_is_loaded_from_another_host(read):
    far = {src for page in read.values() for src in page.loads if urlsplit(src).netloc}
    assert not far


def test_every_image_is_described(read):
    for name, page in read.items():
        assert all(page.alts), name


def test_no_table_header_is_empty(read):
    for name, page in read.items():
        assert not re.search(r"<th[^>]*>\s*(<p>\s*</p>)?\s*</th>", page.text), name


def test_ids_are_unique(read):
    for name, page in read.items():
        twice = [i for i, n in Counter(page.ids).items() if n > 1 and i[:3] != "pst"]
        assert not [i for i in twice if re.match("eq-|code-|export-|sol|ex", i)], name


def test_lines_for_tools_do_not_show(read, atlas):
    for notebook in atlas.book.notebooks:
        text = read[f"{document(notebook)}.html"].text
        assert not re.search(r'<span class="c1">#\|', text), notebook.name


def test_no_raw_dollar_formula_is_left(read, atlas):
    for notebook in atlas.book.notebooks:
        text = read[f"{document(notebook)}.html"].text
        assert "$$" not in text and "katex-error" not in text, notebook.name


def test_every_check_of_every_ledger_is_shown(site, atlas):
    text = (site / "proved.html").read_text(encoding="utf-8")
    rows = sum(len(notebook.ledger) for notebook in atlas.book.notebooks)
    methods = len({r["method"] for nb in atlas.book.notebooks for r in nb.ledger})
    tables = 2 + sum(bool(notebook.ledger) for notebook in atlas.book.notebooks)
    assert text.count("<tr") == rows + methods + 1 + tables
    assert f"{pages.counts(atlas)['checks']:,}" in text
    assert pages.counts(atlas)["checks"] == rows


def test_launch_buttons(read, atlas):
    owner, name = repository(ROOT)
    for notebook in atlas.book.notebooks:
        links = read[f"{document(notebook)}.html"].links
        assert (
            "https://colab.research.google.com/github/"
            f"{owner}/{name}/blob/main/{notebook.name}" in links
        )
        assert any(
            link.startswith(f"https://mybinder.org/v2/gh/{owner}/{name}/main")
            and link.endswith(notebook.name)
            for link in links
        )
        assert any(link.endswith(notebook.name[5:]) for link in links)


def test_exercises_lead_to_solutions_and_back(read, atlas):
    for notebook in atlas.book.notebooks:
        if notebook.is_solutions:
            continue
        page = read[f"{document(notebook)}.html"]
        for number in range(1, len(notebook.exercises) + 1):
            key = f"{notebook.chapter}.{notebook.number}.{number}"
            if key not in atlas.exercises:
                continue
            anchor = key.replace(".", "-")
            assert f"exercise-{anchor}" in page.ids
            assert any(link.endswith(f"#solution-{anchor}") for link in page.links)
            solution = read[f"{atlas.exercises[key]}.html"]
            assert any(link.endswith(f"#exercise-{anchor}") for link in solution.links)


def test_benchmarks_show_every_row(site):
    text = (site / "benchmarks.html").read_text(encoding="utf-8")
    for path in (ROOT / "helpers/benchmarks/results").glob("*.json"):
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]:
            assert f"{row['ratio']:.2f}" in text


def test_heading_order(read):
    """No page's own headings skip a level downward."""
    for name, page in read.items():
        if name.startswith("ch0"):
            steps = zip(page.headings, page.headings[1:])
            assert all(b - a <= 1 for a, b in steps), name


def test_icons_that_no_page_uses_are_dropped():
    sun = '"sun":[512,512,[9728],"f185","M1z"],'
    lens = '"magnifying-glass":[512,512,[128269,"search"],"f002",["M2z","M3z"]],'
    car = 'car:[512,512,[],"f1b9","M4z"]'
    script = f"var icons={{{sun}{lens}{car}}};"
    assert trimmed(script, {"sun", "search"}) == f"var icons={{{sun}{lens}}};"


def test_scripts_are_light(site):
    assert (site / "_static/scripts/fontawesome.js").stat().st_size < 200_000


def test_pictures_of_the_readme_are_there_and_light():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="(\S+)" width="\S+" alt="([^"]+)">', readme)
    assert len(shown) == 3
    for name, alt in shown:
        assert (ROOT / name).stat().st_size <= 120_000, name
        assert len(alt) > 20


# --- the generators, on a small book -------------------------------------------------


def small(*cells: tuple[str, str]) -> Atlas:
    """Return the places of a book of one notebook."""
    raw = [
        {"cell_type": kind, "source": source, "metadata": {}, "outputs": []}
        for kind, source in cells
    ]
    return Atlas(Book([Notebook("ch01/01_small.ipynb", {"cells": raw})]))


def test_equation_in_a_quotation():
    found = small(
        ("markdown", "# 1.1 Small\n> $$\n> a = b \\\\\n> c = d \\tag{1.1.1}\n> $$")
    )
    assert found.equations[0].latex == "a = b \\\\\nc = d \\tag{1.1.1}"
    assert found.home == {(1, 1, 1): "ch01/01_small"}


def test_links_to_files_that_are_no_pages_lead_to_the_repository(tmp_path):
    for name in (
        "root/ch06/train.py",
        "root/ch06/01_a.ipynb",
        "source/ch06/01_a.ipynb",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path / "root")
    text = "[x](train.py) [y](01_a.ipynb#z) [gone](gone.py)"
    root = tmp_path / "root"
    found = external(text, root / "ch06", root, tmp_path / "source")
    owner, name = repository(ROOT)
    url = f"https://github.com/{owner}/{name}/blob/main/ch06/train.py"
    assert found == text.replace("(train.py)", f"({url})")


def test_an_equation_without_code_has_no_link():
    text = "# 1.1 Small\n$$ a \\tag{1.1.1} $$\n$$ b \\tag{1.1.2} $$"
    found = small(("markdown", text), ("code", "b = 1  # (1.1.2)\n# (1.1.1)"))
    assert found.code == {(1, 1, 2): "ch01/01_small"}


def test_directives_are_hidden():
    assert shown("#| export\n# NBVAL_IGNORE_OUTPUT\nx = 1  # (1.1.1)") == (
        "x = 1  # (1.1.1)"
    )


def test_cells_of_tables_are_shown_as_they_are():
    assert pages.escaped("a|b *c* <d> $e$") == r"a\|b \*c\* \<d\> \$e\$"


def test_picture_has_a_bar_for_each_row():
    row = {"task": "a < b", "reference": "c", "ratio": 0.5}
    drawn = pages.picture([row, row | {"ratio": 2.0}])
    assert drawn.count("<rect") == 2 and "a &lt; b" in drawn
    assert "faster one in 1 of 2 tasks" in drawn
