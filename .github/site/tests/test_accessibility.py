"""The pages for readers without eyes or without a mouse: axe-core, the keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, every_page

AXE = ROOT / ".venv-site/npm/node_modules/axe-core/axe.min.js"
LOOKS = [("light", 1280), ("dark", 1280), ("light", 390)]
TYPICAL = {
    "index.html": LOOKS[1],
    "ch01/02_adaline.html": LOOKS[0],
    "ch01/06_exercise_solutions.html": LOOKS[2],
    "benchmarks.html": LOOKS[1],
    "helpers/ch01/adaline.html": LOOKS[1],
    "search.html": LOOKS[0],
}
# KaTeX hides the visible half of a formula, thousands of parts that inherit their
# color, from screen readers, which read its MathML; axe gets the LaTeX in its place.
PLAIN = """() => {
  document.querySelectorAll(".katex").forEach(formula =>
    formula.replaceWith(formula.querySelector("annotation").textContent));
  document.querySelectorAll("main details").forEach(fold => { fold.open = true });
}"""
RUN = """() => axe.run({
  resultTypes: ["violations"],
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
})"""


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core, as pinned in package-lock.json."""
    return AXE.read_text(encoding="utf-8")


def look(page, scheme: str, width: int) -> None:
    """Set the colors and the width in which a page is shown."""
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})


def load(page, axe: str, address: str) -> None:
    """Open a page and make it ready for axe."""
    page.goto(address)
    page.evaluate(PLAIN)
    page.evaluate(axe)


def violations(page, where: str) -> list[str]:
    """Return what axe, loaded already, finds on the open page, a line each."""
    return [
        f"{where}: {found['id']}: {found['help']}: {node['target']}: "
        f"{node['failureSummary']}"
        for found in page.evaluate(RUN)["violations"]
        for node in found["nodes"][:3]
    ]


@pytest.mark.parametrize("name", TYPICAL)
def test_axe_on_typical_pages(page, axe, address, name):
    look(page, *TYPICAL[name])
    load(page, axe, address + name)
    found = violations(page, name)
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_axe_on_every_page(page, axe, address, site: Path):
    found = []
    for name in every_page(site):
        load(page, axe, address + name)
        for scheme, width in LOOKS:
            look(page, scheme, width)
            page.wait_for_timeout(500)  # the theme looks again at what scrolls
            found += violations(page, f"{name}, {scheme}, {width} px")
    assert not found, "\n".join(found)


def focused(page, expression: str) -> object:
    """Return what an expression in `e`, the focused element, gives."""
    return page.evaluate(
        f"(() => {{ const e = document.activeElement; return {expression} }})()"
    )


def test_first_tab_skips_to_the_content(page, address):
    page.goto(f"{address}ch01/02_adaline.html")
    page.keyboard.press("Tab")
    assert "Skip to main content" in focused(page, "e.textContent")
    assert page.locator(":focus").is_visible()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")
    page.keyboard.press("Tab")
    assert focused(page, "!!e.closest('main')")


def test_dark_switch_by_keyboard(page, address):
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}ch01/02_adaline.html")
    for _ in range(60):
        page.keyboard.press("Tab")
        if focused(page, "e.matches('button.theme-switch-button')"):
            break
    else:
        pytest.fail("sixty steps do not reach the dark switch")
    page.keyboard.press("Enter")
    page.locator("button.theme-change-button[data-mode=dark]:visible").wait_for()
    for _ in range(3):
        page.keyboard.press("Tab")
    assert focused(page, "e.dataset.mode") == "dark"
    page.keyboard.press("Enter")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_focus_shows_and_follows_the_page(page, address):
    """Each step of the Tab key lands on something visible, further down its column."""
    page.goto(f"{address}equations/ch01.html")
    page.locator(".equation-links a").first.focus()
    last = -1.0
    for _ in range(10):
        page.keyboard.press("Tab")
        assert page.locator(":focus").is_visible()
        top = focused(page, "e.getBoundingClientRect().top + scrollY")
        assert top >= last
        last = top
        style = "getComputedStyle(e)"
        assert focused(page, f"{style}.outlineStyle + {style}.boxShadow") != "nonenone"
