"""The built site on localhost, and Chromium to read it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parents[1]
ROOT = HERE.parents[1]
SITE = ROOT / "_build/site"
for folder in (HERE, HERE.parent / "scripts", ROOT):
    sys.path.insert(0, str(folder))

from viewer import chromium, opened, served  # noqa: E402


def every_page(site: Path) -> list[str]:
    """Return the pages of the contents."""
    found = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(name for name in found if not name.startswith("_static/"))


def pytest_terminal_summary(terminalreporter) -> None:
    """Say in one sentence why tests were skipped."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    if skipped and chromium() is None:
        terminalreporter.write_line(
            f"No Chromium on this machine: {skipped} tests that open the pages in it "
            "were skipped. On Debian: apt-get install chromium"
        )


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built site."""
    if not (SITE / "index.html").is_file():
        pytest.fail("the site is not built: make book")
    return SITE


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The address of the site on this machine, with a slash at its end."""
    with served(site) as found:
        yield found


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Chromium, as the system has it."""
    found = chromium()
    if found is None:
        pytest.skip("no Chromium on this machine")
    with opened(found) as running:
        yield running


@pytest.fixture
def page(browser, address: str) -> Iterator[object]:
    """A page that fails the test on a console error or a request off the host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened, problems = context.new_page(), []
    opened.on(
        "console",
        lambda m: problems.append(f"console: {m.text}") if m.type == "error" else None,
    )
    opened.on("pageerror", lambda error: problems.append(f"script: {error}"))
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((address, "data:", "blob:"))
            else problems.append(f"off the host: {request.url}")
        ),
    )
    yield opened
    context.close()
    assert not problems, "\n".join(problems)
