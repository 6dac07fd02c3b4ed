"""The site as a reader sees it, in Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import every_page

PAGES = (
    "index.html",
    "ch01/02_adaline.html",
    "ch01/06_exercise_solutions.html",
    "equations/ch01.html",
    "proved.html",
    "benchmarks.html",
    "helpers/ch01/adaline.html",
)


def text(site: Path, name: str) -> str:
    """Return a page's HTML."""
    return (site / name).read_text(encoding="utf-8")


def test_equation_shows_its_number(page, address):
    page.goto(f"{address}ch01/02_adaline.html")
    assert "(1.2.3)" in page.locator("#eq-1-2-3 .katex-html .tag").inner_text()


def test_citation_jumps_to_its_equation(page, address):
    page.goto(f"{address}ch01/02_adaline.html")
    page.locator("p a.citation", has_text="(1.2.2)").first.click()
    assert page.url.endswith("#eq-1-2-2")
    assert page.locator("#eq-1-2-2").evaluate(
        "e => { const r = e.getBoundingClientRect();"
        " return r.top >= 0 && r.bottom <= innerHeight }"
    )


def test_equation_leads_to_its_code_and_back(page, address):
    page.goto(f"{address}ch01/02_adaline.html")
    page.locator("#eq-1-2-3 .equation-links a", has_text="code").click()
    assert page.url.endswith("#code-1-2-3")
    page.locator("#code-1-2-3 a").click()
    assert page.url.endswith("#eq-1-2-3")


def test_citation_across_notebooks(page, address):
    page.goto(f"{address}index.html")
    page.locator("a.citation", has_text="(1.1.8)").click()
    page.wait_for_url("**/ch01/01_perceptron.html#eq-1-1-8")
    assert page.locator("#eq-1-1-8").is_visible()


def test_exercise_opens_its_solution_and_leads_back(page, address):
    page.goto(f"{address}ch01/06_exercise_solutions.html")
    assert not page.locator("#solution-1-2-1").is_visible()
    page.goto(f"{address}ch01/02_adaline.html")
    page.locator("#exercise-1-2-1 .exercise-link a").click()
    page.wait_for_url("**/ch01/06_exercise_solutions.html#solution-1-2-1")
    assert page.locator("#solution-1-2-1").is_visible()
    assert not page.locator("#solution-1-2-2").is_visible()
    page.locator("section:has(#solution-1-2-1) > .exercise-link a").click()
    page.wait_for_url("**/ch01/02_adaline.html#exercise-1-2-1")


@pytest.mark.parametrize("word", ["Novikoff", "RMSNorm"])
def test_search(page, address, site, word):
    if not any(word in text(site, name) for name in every_page(site)):
        pytest.skip(f"no page has the word {word} yet")
    page.goto(f"{address}search.html?q={word}")
    page.wait_for_selector("#search-results li a")
    hrefs = page.locator("#search-results li a").evaluate_all(
        "links => links.map(a => new URL(a.href).pathname)"
    )
    found = [href for href in hrefs if re.match(r"/ch0\d/", href)]
    assert found, hrefs
    assert word in text(site, found[0].removeprefix("/"))


def test_search_quotes_formulas_once(page, address):
    page.goto(f"{address}search.html?q=Novikoff")
    page.wait_for_selector("#search-results li p.context")
    quoted = page.locator("#search-results").inner_text()
    assert "\\" not in quoted, quoted


def test_icons_are_drawn(page, address):
    page.goto(f"{address}ch01/02_adaline.html")
    page.wait_for_selector("svg.svg-inline--fa", state="attached")
    assert page.locator("i[class*=fa-]:visible").count() == 0
    drawn = page.locator("svg.svg-inline--fa path")
    lengths = drawn.evaluate_all("all => all.map(e => e.getAttribute('d').length)")
    assert len(lengths) > 10 and min(lengths) > 20


def test_dark_switch(page, address):
    page.emulate_media(color_scheme="light")
    page.goto(f"{address}ch01/02_adaline.html")
    face = "getComputedStyle(document.body).backgroundColor"
    theme = "document.documentElement.dataset.theme"
    seen = {}
    for mode in ("light", "dark"):
        page.locator("button.theme-switch-button:visible").first.click()
        page.locator(f"button.theme-change-button[data-mode={mode}]:visible").click()
        assert page.evaluate(theme) == mode
        seen[mode] = page.evaluate(face)
    assert seen["light"] != seen["dark"]


def test_figures_keep_a_white_face(page, address):
    page.emulate_media(color_scheme="dark")
    page.goto(f"{address}ch01/02_adaline.html")
    face = page.locator(".cell_output img").first.evaluate(
        "e => getComputedStyle(e).backgroundColor"
    )
    assert face == "rgb(255, 255, 255)"


def test_phone_does_not_scroll_sideways(page, address):
    page.set_viewport_size({"width": 390, "height": 844})
    for name in PAGES:
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name


@pytest.mark.slow
def test_every_page_opens(page, address, site):
    page.set_viewport_size({"width": 390, "height": 844})
    for name in every_page(site):
        page.goto(address + name)
        assert page.locator("main h1:visible").count() == 1, name
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
