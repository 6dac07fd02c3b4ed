"""Every notebook follows every house rule."""

from __future__ import annotations

import pytest

from helpers.tests import house_rules

BOOK = house_rules.load_book()


@pytest.mark.parametrize("rule", house_rules.RULES)
@pytest.mark.parametrize("notebook", BOOK.notebooks, ids=lambda notebook: notebook.name)
def test_house_rule(notebook: house_rules.Notebook, rule: str) -> None:
    """The rule finds nothing in the notebook."""
    findings = house_rules.RULES[rule](notebook, BOOK)
    if findings:
        pytest.fail("\n".join(map(str, findings)), pytrace=False)


def test_helper_arrows() -> None:
    """Hand-written helpers import from no chapter, chapters from no later one."""
    findings = house_rules.helper_arrows(house_rules.ROOT)
    if findings:
        pytest.fail("\n".join(map(str, findings)), pytrace=False)
