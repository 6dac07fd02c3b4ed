"""What the scripts of this folder share: where the book is, reading, writing."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from helpers.tests.plugin import notebooks

__all__ = [
    "ROOT",
    "chapters",
    "notebooks",
    "parser",
    "relative",
    "replace_between",
    "use_utf8",
    "write",
]

ROOT = Path(__file__).resolve().parents[2]


def parser(description: str | None, check: str) -> argparse.ArgumentParser:
    """Return a parser with the options that all scripts have.

    Parameters
    ----------
    description : str
        The script's docstring; its first line is shown.
    check : str
        Help of ``--check``.

    Returns
    -------
    argparse.ArgumentParser
        Knows ``--check`` and ``--root``.
    """
    result = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    result.add_argument("--check", action="store_true", help=check)
    result.add_argument(
        "--root", type=Path, default=ROOT, help="the book's folder (default: this one)"
    )
    return result


def use_utf8() -> None:
    """Print UTF-8 on consoles whose default is another encoding (Windows)."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")


def relative(path: Path, root: Path) -> str:
    """Return `path` as the book names it: relative to `root`, with slashes."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def chapters(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each chapter's folder and its notebooks, in reading order."""
    found: dict[Path, list[Path]] = {}
    for notebook in notebooks(root):
        found.setdefault(notebook.parent, []).append(notebook)
    yield from found.items()


def write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The file; its folder is made when missing.
    content : str or bytes
        Line ends of text are written as ``\\n`` on every system.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with open(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
        temporary.chmod(mode)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_between(text: str, name: str, body: str, where: str) -> str:
    """Replace what stands between two markers.

    Parameters
    ----------
    text : str
        The document.
    name : str
        The markers are ``<!-- name: begin -->`` and ``<!-- name: end -->``.
    body : str
        What is put between them, with a blank line on either side, so that
        Markdown reads it as Markdown.
    where : str
        The document's name, for the message.

    Returns
    -------
    str
        The document with the new body.

    Raises
    ------
    SystemExit
        If the markers are not there exactly once, in this order.
    """
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if text.count(begin) != 1 or text.count(end) != 1 or not pattern.search(text):
        sys.exit(f"{where}: needs one line {begin} and, below it, one line {end}")
    return pattern.sub(lambda _: f"{begin}\n\n{body.strip()}\n\n{end}", text)
