"""Take the pictures of the site that README.md shows, from what `make book` built.

    .venv-site/bin/python .github/site/pictures.py

badges.py describes them; a change of the pages may ask for other descriptions there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from viewer import chromium, opened, served

HERE = Path(__file__).resolve().parent
SITE = HERE.parents[1] / "_build/site"
SHOTS = (  # name, colors, width and height, page, what stands near the top
    ("light", "light", (1024, 720), "ch01/02_adaline.html", "#eq-1-2-3"),
    ("dark", "dark", (1024, 720), "proved.html", "main h3"),
    ("phone", "light", (390, 702), "ch05/02_attention.html", ".cell_output img"),
)
ABOVE = "e => scrollTo(0, e.getBoundingClientRect().top + scrollY - 220)"


def main() -> int:
    """Write the pictures and return the exit status."""
    executable = chromium()
    if executable is None:
        sys.exit("no Chromium on this machine; on Debian: apt-get install chromium")
    if not (SITE / "index.html").is_file():
        sys.exit("the site is not built: make book")
    (HERE / "pictures").mkdir(exist_ok=True)
    with served(SITE) as address, opened(executable) as browser:
        for name, scheme, (width, height), page_name, near in SHOTS:
            page = browser.new_page(
                viewport={"width": width, "height": height}, color_scheme=scheme
            )
            page.goto(address + page_name)
            page.locator(near).first.evaluate(ABOVE)
            page.wait_for_timeout(500)
            page.screenshot(path=HERE / "pictures" / f"{name}.png")
    return 0


if __name__ == "__main__":
    sys.exit(main())
