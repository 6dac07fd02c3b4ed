"""Where everything in the book stands: equations, the code that computes them, exports.

Read from the stored notebooks with the parser of `helpers.tests.house_rules`; the
generated pages (pages.py) and the links (sphinx_extension.py) ask here.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property

from helpers.tests.house_rules import (
    DISPLAY,
    EXPORT,
    TAG,
    Book,
    Notebook,
    Tag,
    cited_by_code,
    parse_tag,
)

DIRECTIVE = re.compile(r"^#\|.*\n?|^\s*#\s*(?:NBVAL|PYTEST_VALIDATE)_\w+\s*$\n?", re.M)
DEFAULT_EXPORT = re.compile(r"^#\|\s*default_exp\s+([\w.]+)", re.M)
QUOTED = re.compile(r"^[ \t]*(?:>[ \t]?)?", re.M)


@dataclass(frozen=True)
class Equation:
    """A numbered display equation, as one notebook stores it.

    Attributes
    ----------
    tags : tuple of Tag
        Its numbers; one display may carry several.
    latex : str
        What stands between the dollar signs, ``\\tag`` included.
    notebook : Notebook
        Where it stands.
    """

    tags: tuple[Tag, ...]
    latex: str
    notebook: Notebook


@dataclass(frozen=True)
class Export:
    """A function or class that a notebook hands to other notebooks."""

    name: str
    module: str
    document: str

    @property
    def helper(self) -> str:
        """The page and anchor of its module: ``helpers/ch01/adaline#def-AdalineGD``."""
        return f"helpers/{self.module.replace('.', '/')}#def-{self.name}"

    @property
    def origin(self) -> str:
        """The notebook's page and the anchor of its cell."""
        return f"{self.document}#export-{self.name}"


def dotted(tag: Tag) -> str:
    """Return ``1.2.3``."""
    return ".".join(map(str, tag))


def equation_anchor(tag: Tag) -> str:
    """Return the id of an equation: ``eq-1-2-3``."""
    return f"eq-{tag[0]}-{tag[1]}-{tag[2]}"


def code_anchor(tag: Tag) -> str:
    """Return the id of the first code comment that cites an equation."""
    return f"code-{tag[0]}-{tag[1]}-{tag[2]}"


def document(notebook: Notebook) -> str:
    """Return the name of a notebook's page: ``ch01/02_adaline``."""
    return notebook.name.removesuffix(".ipynb")


def tags_of(latex: str) -> tuple[Tag, ...]:
    """Return the numbers of a display equation."""
    found = (parse_tag(tag) for tag in TAG.findall(latex))
    return tuple(tag for tag in found if tag is not None)


def shown(source: str) -> str:
    """Return a code cell without the lines that are meant for tools."""
    return DIRECTIVE.sub("", source).lstrip("\n")


def defined(source: str) -> list[str]:
    """Return the functions and classes that a cell defines at its top level."""
    kinds = (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    return [node.name for node in tree.body if isinstance(node, kinds)]


class Atlas:
    """The places of one book.

    Parameters
    ----------
    book : Book
        All notebooks, as `helpers.tests.house_rules.load_book` reads them.
    """

    def __init__(self, book: Book) -> None:
        self.book = book

    @cached_property
    def equations(self) -> list[Equation]:
        """Every numbered equation, in reading order."""
        found = []
        for notebook in self.book.notebooks:
            for cell in notebook.markdown:
                for display in DISPLAY.findall(cell.prose):
                    latex = QUOTED.sub("", display.strip("$"))
                    if tags_of(latex):
                        found.append(Equation(tags_of(latex), latex.strip(), notebook))
        return found

    @cached_property
    def home(self) -> dict[Tag, str]:
        """The document of each equation."""
        return {
            tag: document(equation.notebook)
            for equation in self.equations
            for tag in equation.tags
        }

    @cached_property
    def code(self) -> dict[Tag, str]:
        """The document whose code computes each equation, its own one first."""
        found: dict[Tag, list[str]] = {}
        for notebook in self.book.notebooks:
            for cell in notebook.code:
                for tag in cited_by_code(cell.source):
                    found.setdefault(tag, []).append(document(notebook))
        return {
            tag: home if home in found[tag] else found[tag][0]
            for tag, home in self.home.items()
            if tag in found
        }

    @cached_property
    def exports(self) -> dict[str, list[Export]]:
        """What each document exports, in order."""
        found: dict[str, list[Export]] = {}
        for notebook in self.book.notebooks:
            name = document(notebook)
            modules = (DEFAULT_EXPORT.search(cell.source) for cell in notebook.code)
            module = next((match[1] for match in modules if match), None)
            if module is not None:
                found[name] = [
                    Export(defined_name, module, name)
                    for cell in notebook.code
                    if EXPORT.search(cell.source)
                    for defined_name in defined(cell.source)
                ]
        return found

    @cached_property
    def exercises(self) -> dict[str, str]:
        """The solutions' document for each exercise, keyed ``1.2.3``."""
        return {
            name: document(notebook)
            for notebook in self.book.notebooks
            if notebook.is_solutions
            for name in notebook.solved
        }

    @cached_property
    def by_document(self) -> dict[str, Notebook]:
        """The notebooks by the names of their pages."""
        return {document(notebook): notebook for notebook in self.book.notebooks}
