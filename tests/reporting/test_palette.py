"""The page's colours against the Web Content Accessibility Guidelines 2.2, level AA."""

import re

import pytest

from aepipe.reporting.style import STYLE_SHEET

CSS = STYLE_SHEET.read_text()
TEXT = ("ink", "muted", "link", "better", "worse", *(f"series-{n}" for n in range(1, 7)))
MARKS = [f"series-{n}" for n in range(7, 11)]  # of the map, where no text has these colours


def variables(block: str) -> dict[str, str]:
    colours = re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{3,6});", block)
    return {name: code if len(code) == 7 else "#" + "".join(2 * c for c in code[1:])
            for name, code in colours}  # fmt: skip


LIGHT, DARK, PRINT = (variables(block) for block in re.findall(r":root \{(.*?)\}", CSS, re.S))
THEMES = {"light": LIGHT, "dark": LIGHT | DARK, "print": LIGHT | PRINT}


def luminance(code: str) -> float:
    """Relative luminance, as WCAG 2.2 defines it."""
    channels = [int(code[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_that_of_the_definition():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)  # the known near miss


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", TEXT)
def test_text_can_be_read(theme, name):
    colours = THEMES[theme]
    assert contrast(colours[name], colours["page"]) >= 4.5
    if not name.startswith("series"):  # plots have no tint behind them
        assert contrast(colours[name], colours["tint"]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", MARKS)
def test_marks_can_be_seen(theme, name):
    assert contrast(THEMES[theme][name], THEMES[theme]["page"]) >= 3


def test_every_theme_sets_every_colour():
    assert set(DARK) == set(PRINT) == set(LIGHT)
