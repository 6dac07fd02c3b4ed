"""What the site adds to Sphinx: mathematics rendered ahead of time, and the links.

- Formulas go through KaTeX once, all in one call, while the site is built.
- Every ``(1.2.3)``, in prose and in code, leads to its equation; below an equation
  stands a link to the line of code that computes it.
- Lines for tools (``#| export``) do not show; an exported class leads to its module.
- An exercise leads to its solution, which is folded until it is asked for, and back.

A link ``book:DOCUMENT#ANCHOR`` is resolved relative to the page it stands on.
"""

from __future__ import annotations

import html
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from atlas import (
    Atlas,
    code_anchor,
    defined,
    dotted,
    equation_anchor,
    shown,
    tags_of,
)
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging

from helpers.tests.house_rules import CITATION, EXPORT, Tag, load_book, parse_tag

HERE = Path(__file__).resolve().parent
SCHEME = "book:"
COMMENT = re.compile(r'<span class="(c1|sd)">([^<]*)</span>')
MARKUP = re.compile(r"<[^>]*>")
EMPTY_HEADER = re.compile(r"<th((?: [^>]*)?)>\s*(?:<p>\s*</p>)?\s*</th>")
EXERCISE = re.compile(r"(\d+\.\d+\.\d+)\b")
UNLINKED = (nodes.reference, nodes.literal, nodes.literal_block, nodes.title)

logger = logging.getLogger(__name__)
atlas = Atlas(load_book(HERE.parents[1]))
formulas: dict[tuple[str, bool], str] = {}


# --- mathematics ---------------------------------------------------------------------


def formula(node: nodes.Element) -> tuple[str, bool]:
    """Return a formula's LaTeX and whether it stands on a line of its own."""
    return node.astext().strip(), isinstance(node, nodes.math_block)


def collect_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Note every formula of a page, to be rendered with all others."""
    for kind in (nodes.math, nodes.math_block):
        for node in doctree.findall(kind):
            formulas.setdefault(formula(node), "")


def render_formulas(app: Sphinx, env: object) -> None:
    """Render all formulas of the book in one call of KaTeX.

    Raises
    ------
    ExtensionError
        If KaTeX does not run, or refuses a formula.
    """
    wanted = list(formulas)
    katex = Path(app.config.book_katex) / "katex.js"
    done = subprocess.run(
        [app.config.book_node, str(HERE / "render.mjs"), str(katex)],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode:
        raise ExtensionError(f"KaTeX does not run: {done.stderr.strip()}")
    for key, result in zip(wanted, json.loads(done.stdout), strict=True):
        if "error" in result:
            logger.warning("KaTeX refuses %r: %s", key[0], result["error"])
        formulas[key] = result.get("html", html.escape(key[0]))


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula within a line."""
    self.body.append(formulas[formula(node)])
    raise nodes.SkipNode


def visit_math_block(self: Any, node: nodes.math_block) -> None:
    """Write a display formula, its anchors, and the link to its code."""
    tags = tags_of(node.astext())
    anchors = [equation_anchor(tag) for tag in tags]
    name = f' id="{anchors[0]}"' if anchors else ""
    self.body.append(f'<div class="equation"{name}>')
    self.body += [f'<span id="{anchor}"></span>' for anchor in anchors[1:]]
    self.body.append(formulas[formula(node)])
    if tags:
        links = "".join(equation_links(self.builder, tags))
        self.body.append(f'<p class="equation-links">{links}</p>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def equation_links(builder: Any, tags: tuple[Tag, ...]) -> Iterator[str]:
    """Yield, as HTML, the links below an equation: to its notebook, to its code."""
    here = builder.current_docname
    for tag in tags:
        places = []
        if atlas.home.get(tag, here) != here:
            place = f"{atlas.home[tag]}#{equation_anchor(tag)}"
            places.append(("notebook", "The notebook that derives", place))
        if tag in atlas.code:
            place = f"{atlas.code[tag]}#{code_anchor(tag)}"
            places.append(("code", "The line of code that computes", place))
        for text, meaning, place in places:
            label = f"{meaning} ({dotted(tag)})"
            address = uri(builder, here, place)
            yield f' <a href="{address}" aria-label="{text}: {label}">{text}</a>'


# --- links ---------------------------------------------------------------------------


def uri(builder: Any, here: str, target: str) -> str:
    """Return the address of ``DOCUMENT#ANCHOR`` as seen from a page."""
    name, _, anchor = target.partition("#")
    if name == here and anchor:
        return f"#{anchor}"
    address = builder.get_relative_uri(here, name)
    return f"{address}#{anchor}" if anchor else address


def link(text: str, target: str, **attributes: Any) -> nodes.reference:
    """Return a link to ``DOCUMENT#ANCHOR``, resolved when its page is written."""
    return nodes.reference(
        text, text, refuri=SCHEME + target, internal=True, **attributes
    )


def equation_target(text: str) -> str | None:
    """Return the place of the equation ``(1.2.3)``; None when there is none."""
    tag = parse_tag(text.strip("()"))
    return f"{atlas.home[tag]}#{equation_anchor(tag)}" if tag in atlas.home else None


def pieces(text: str) -> Iterator[str | nodes.Node]:
    """Split a text at its citations, each of which becomes a link."""
    position = 0
    for match in CITATION.finditer(text):
        target = equation_target(match[0])
        if target:
            yield text[position : match.start()]
            yield link(match[0], target, classes=["citation"])
            position = match.end()
    yield text[position:]


def link_citations(app: Sphinx, doctree: nodes.document, name: str) -> None:
    """Make every citation in prose a link, and give all links their addresses."""
    for text in list(doctree.findall(nodes.Text)):
        if not CITATION.search(text) or in_any(text, UNLINKED):
            continue
        parts = [nodes.Text(p) if isinstance(p, str) else p for p in pieces(str(text))]
        text.parent.replace(text, [part for part in parts if part.astext()])
    for node in doctree.findall(nodes.reference):
        if node.get("refuri", "").startswith(SCHEME):
            target = node["refuri"].removeprefix(SCHEME)
            node["refuri"] = uri(app.builder, name, target)
            node["internal"] = True
            node["classes"] = [c for c in node["classes"] if c != "external"]


def in_any(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    """Return whether a node stands within one of some kinds."""
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def link_code(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Make the citations in comments and docstrings links; anchor the first ones."""
    body = context.get("body")
    if not body or "highlight" not in body:
        return
    anchored: set[str] = set()

    def comment(match: re.Match[str]) -> str:
        kind, text = match.groups()
        line = body[body.rfind("\n", 0, match.start()) + 1 : match.start()]
        line = line.rsplit("<pre>", 1)[-1]
        behind_code = kind == "c1" and bool(MARKUP.sub("", line).strip())

        def cite(cited: re.Match[str]) -> str:
            target = equation_target(cited[0])
            if target is None:
                return cited[0]
            anchor = code_anchor(parse_tag(cited[0].strip("()")))
            address = uri(app.builder, name, target)
            attribute = ""
            if behind_code and anchor not in anchored:
                anchored.add(anchor)
                attribute = f' id="{anchor}"'
            return (
                f'<span{attribute}><a class="citation" href="{address}">'
                f"{cited[0]}</a></span>"
            )

        return f'<span class="{kind}">{CITATION.sub(cite, text)}</span>'

    context["body"] = COMMENT.sub(comment, body)


# --- cells and exercises -------------------------------------------------------------


def tidy_code(app: Sphinx, doctree: nodes.document) -> None:
    """Hide the lines for tools, and link exported names to their modules."""
    here = app.env.docname
    exports = {export.name: export for export in atlas.exports.get(here, [])}
    for block in list(doctree.findall(nodes.literal_block)):
        source = block.astext()
        if "cell_input" not in block.parent.get("classes", []):
            continue
        text = shown(source)
        if text != source:
            block.rawsource = text
            block.children = []
            block += nodes.Text(text)
        if not text.strip():
            block.parent.parent.remove(block.parent)
            continue
        names = [n for n in defined(source) if n in exports]
        if EXPORT.search(source) and names:
            line = nodes.paragraph(classes=["exported"])
            for name in names:
                line += nodes.Text(", " if line.children else "exported: ")
                line += link(name, exports[name].helper)
            block.parent["ids"] += [f"export-{name}" for name in names]
            block.parent += line


def link_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Link each exercise to its solution and each solution to its exercise."""
    here = app.env.docname
    notebook = atlas.by_document.get(here)
    if notebook is None:
        return
    for section in list(doctree.findall(nodes.section)):
        heading = section.next_node(nodes.title).astext()
        match = EXERCISE.match(heading)
        if notebook.is_solutions and match:
            link_back(section, match[1])
        elif not notebook.is_solutions and "Exercises" in heading:
            for items in section.findall(nodes.enumerated_list):
                number = f"{notebook.chapter}.{notebook.number}"
                for index, item in enumerate(items.children, items.get("start", 1)):
                    link_solution(item, f"{number}.{index}")
                break


def exercise_anchor(kind: str, number: str) -> str:
    """Return ``exercise-1-2-3`` or ``solution-1-2-3``."""
    return f"{kind}-{number.replace('.', '-')}"


def link_solution(item: nodes.Element, number: str) -> None:
    """Put the link to its solution under an exercise."""
    item["ids"].append(exercise_anchor("exercise", number))
    if number in atlas.exercises:
        anchor = exercise_anchor("solution", number)
        line = nodes.paragraph(classes=["exercise-link"])
        line += link(f"Solution {number}", f"{atlas.exercises[number]}#{anchor}")
        item += line


def link_back(section: nodes.section, number: str) -> None:
    """Link a solution to its exercise, and fold what stands below the statement."""
    chapter, notebook, _ = map(int, number.split("."))
    for name, found in atlas.by_document.items():
        if (found.chapter, found.number) == (chapter, notebook):
            anchor = exercise_anchor("exercise", number)
            line = nodes.paragraph(classes=["exercise-link"])
            line += link(f"Exercise {number}", f"{name}#{anchor}")
            section.insert(1, line)
    statements = [n for n in section.children if isinstance(n, nodes.paragraph)]
    stated = [node for node in statements if isinstance(node[0], nodes.emphasis)]
    fold(section, section.index(stated[0]) + 1 if stated else 1, number)


def fold(section: nodes.section, start: int, number: str) -> None:
    """Put a solution into a fold that opens when a link leads into it.

    Parameters
    ----------
    section : nodes.section
        The solution, with its heading and the exercise's statement.
    start : int
        Where the fold begins.
    number : str
        The exercise's number. Its anchor stands within the fold: a browser that
        follows a link opens what is around the target, not the target itself.
    """
    anchor = exercise_anchor("solution", number)
    opening = (
        f'<details class="solution"><summary>Solution {number}</summary>'
        f'<div id="{anchor}">'
    )
    section.insert(start, nodes.raw("", opening, format="html"))
    section += nodes.raw("", "</div></details>", format="html")


# --- what screen readers need --------------------------------------------------------


def drop_empty_headers(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Turn the empty header cells of a table, its corner for one, into plain cells."""
    if context.get("body"):
        context["body"] = EMPTY_HEADER.sub(r"<td\1></td>", context["body"])


def name_toggles(
    app: Sphinx, name: str, template: str, context: dict[str, Any], doctree: object
) -> None:
    """Give the arrows of the contents, which unfold a chapter, the chapter's name."""
    theirs = context.get("generate_toctree_html")
    if theirs is None:
        return

    def named(*arguments: Any, **options: Any) -> Any:
        soup = theirs(*arguments, **options)
        for summary in getattr(soup, "select", lambda _: [])("li > details > summary"):
            chapter = summary.find_parent("li").a.get_text(strip=True)
            summary["aria-label"] = f"Pages of {chapter}"
        return soup

    context["generate_toctree_html"] = named


def setup(app: Sphinx) -> dict[str, Any]:
    """Register everything with Sphinx."""
    app.add_config_value("book_node", "node", "env")
    app.add_config_value("book_katex", "", "env")
    app.add_html_math_renderer(
        "prerendered", (visit_math, None), (visit_math_block, None)
    )
    for handler in (tidy_code, link_exercises, collect_formulas):
        app.connect("doctree-read", handler)
    app.connect("env-updated", render_formulas)
    app.connect("doctree-resolved", link_citations)
    app.connect("html-page-context", link_code)
    app.connect("html-page-context", drop_empty_headers)
    app.connect("html-page-context", name_toggles, priority=900)  # after the theme
    return {"parallel_read_safe": False, "parallel_write_safe": False}
