"""Sphinx's settings of the site; build.py says where everything lies."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "scripts", HERE.parents[1]):
    sys.path.insert(0, str(folder))

from badges import repository  # noqa: E402

ROOT = HERE.parents[1]
OWNER, NAME = repository(ROOT)

project = "From Equations to Code"
author = "The authors of From Equations to Code"
html_title = project
html_show_sphinx = False
html_copy_source = True
html_show_sourcelink = False
html_last_updated_fmt = None
language = "en"

extensions = ["myst_nb", "sphinx_extension"]
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_static"]
root_doc = "index"

nb_execution_mode = "off"  # the stored outputs are the ones that the tests compare
nb_merge_streams = True
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_dmath_allow_labels = False
myst_dmath_double_inline = True
myst_heading_anchors = 3
myst_url_schemes = {
    "http": None,
    "https": None,
    "mailto": None,
    "book": None,  # book:DOCUMENT#ANCHOR, resolved by sphinx_extension
}

linkcheck_ignore = [rf"https://github\.com/{OWNER}/{NAME}/(?:actions|blob|tree)/"]
linkcheck_anchors = False  # pages that build themselves in the browser have none
linkcheck_timeout = 20

html_math_renderer = "prerendered"
html_theme = "sphinx_book_theme"
templates_path = [str(HERE / "templates")]
html_static_path = [str(ROOT / "_build/source/_static")]
html_favicon = str(HERE / "static/favicon.svg")
html_context = {"default_mode": "auto"}
html_css_files = ["katex/katex.min.css", "book.css"]
html_js_files = ["search.js"]
html_theme_options = {
    "repository_url": f"https://github.com/{OWNER}/{NAME}",
    "repository_branch": "main",
    "path_to_docs": "",
    "navbar_persistent": [],
    "use_repository_button": True,
    "use_download_button": True,
    "use_fullscreen_button": False,
    "launch_buttons": {
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "notebook_interface": "jupyterlab",
    },
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
