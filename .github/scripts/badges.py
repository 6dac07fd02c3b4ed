"""Write the badges and the site's address; one place names the repository.

    python .github/scripts/badges.py           writes README.md and CITATION.cff
    python .github/scripts/badges.py --check   fails when one differs

That place is ``[project.urls] Repository`` in pyproject.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from _book import parser, relative, replace_between, use_utf8, write

REPOSITORY = re.compile(r"https://github\.com/([\w.-]+)/([\w.-]+?)(?:\.git)?/?")
PICTURES = (  # in .github/site/pictures: name, width, alt text
    (
        "light",
        "41%",
        "Notebook 1.2 on the site: the contents at the left, in the middle a sentence, "
        "a numbered equation and the code that computes it",
    ),
    (
        "dark",
        "41%",
        "The page What is proved in the dark: a table of claims, each with its method, "
        "its reference and its tolerance",
    ),
    (
        "phone",
        "16%",
        "Notebook 5.2 on a phone: the end of a cell, its figure as wide as the screen, "
        "and what the figure shows",
    ),
)
CITED = re.compile(r"^repository-code:.*$", re.MULTILINE)


def project(root: Path) -> dict[str, Any]:
    """Return the table ``[project]`` of pyproject.toml."""
    with open(root / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]


def repository(root: Path) -> tuple[str, str]:
    """Return owner and name of the repository.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    tuple of str
        Owner and name.

    Raises
    ------
    SystemExit
        If pyproject.toml names none, or not one on GitHub.
    """
    url = project(root).get("urls", {}).get("Repository", "")
    match = REPOSITORY.fullmatch(url)
    if match is None:
        sys.exit(
            "pyproject.toml: [project.urls] Repository should be "
            f"https://github.com/OWNER/NAME, it is {url!r}"
        )
    return match[1], match[2]


def pythons(requires: str) -> str:
    """Return the Python versions of ``>=3.11,<3.14`` as ``3.11 to 3.13``."""
    match = re.fullmatch(r">=3\.(\d+),\s*<3\.(\d+)", requires)
    if match is None:
        sys.exit(f"pyproject.toml: requires-python {requires!r}: write >=3.A,<3.B")
    return f"3.{match[1]} to 3.{int(match[2]) - 1}"


def badges(root: Path) -> str:
    """Return the badges as Markdown, one a line.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    str
        Tests, Binder, Python versions, license.
    """
    owner, name = repository(root)
    home = f"https://github.com/{owner}/{name}"
    workflow = f"{home}/actions/workflows/test.yml"
    binder = f"https://mybinder.org/v2/gh/{owner}/{name}/HEAD"
    versions = pythons(project(root)["requires-python"])
    shield = "https://img.shields.io/badge"
    label = versions.replace(" ", "%20")
    return "\n".join(
        (
            f"[![Tests]({workflow}/badge.svg)]({workflow})",
            "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
            f"({binder}?urlpath=lab/tree/README.md)",
            f"[![Python {versions}]({shield}/python-{label}-blue)](pyproject.toml)",
            f"[![License: MIT, text CC BY 4.0]({shield}/"
            "license-MIT%20%7C%20text%20CC%20BY%204.0-green)](LICENSE)",
        )
    )


def address(root: Path) -> str:
    """Return the address of the site, without a slash at its end."""
    owner, name = repository(root)
    return f"https://{owner.lower()}.github.io/{name}"


def site(root: Path) -> str:
    """Return the section of README.md that shows the site.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    str
        Links to the site, and its three pictures.
    """
    url = address(root)
    shown = " ".join(
        f'<img src=".github/site/pictures/{name}.png" width="{width}" alt="{alt}">'
        for name, width, alt in PICTURES
    )
    text = (
        "The whole book is a [site]({0}/) for readers without Python: formulas, code, "
        "figures,\nsearch. [Every equation]({0}/equations/index.html) leads to the "
        "line that computes\nit, [every check]({0}/proved.html) stands in one list, "
        "and so do the\n[benchmarks]({0}/benchmarks.html). `make book` builds it on "
        "your machine."
    )
    return f"## Read it online\n\n{text.format(url)}\n\n{shown}"


def wanted(root: Path) -> dict[Path, str]:
    """Return the text that README.md and CITATION.cff should have.

    Parameters
    ----------
    root : Path
        The book's folder.

    Returns
    -------
    dict of Path to str
        The files that exist, with their new text.
    """
    owner, name = repository(root)
    readme, citation = root / "README.md", root / "CITATION.cff"
    text = readme.read_text(encoding="utf-8")
    text = replace_between(text, "badges", badges(root), "README.md")
    files = {readme: replace_between(text, "site", site(root), "README.md")}
    if citation.exists():
        text = citation.read_text(encoding="utf-8")
        if len(CITED.findall(text)) != 1:
            sys.exit("CITATION.cff: needs one line repository-code:")
        line = f'repository-code: "https://github.com/{owner}/{name}"'
        files[citation] = CITED.sub(line, text)
    return files


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    use_utf8()
    options = parser(__doc__, "write nothing; fail when a file differs")
    chosen = options.parse_args(arguments)
    root, stale = chosen.root.resolve(), []
    for path, text in wanted(root).items():
        if path.read_text(encoding="utf-8") == text:
            continue
        stale.append(relative(path, root))
        if not chosen.check:
            write(path, text)
            print(f"wrote {relative(path, root)}")
    if chosen.check and stale:
        print(f"{', '.join(stale)}: differs from pyproject.toml: make badges")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
