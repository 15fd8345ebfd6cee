"""The page as people meet it: opened, read on a phone, clicked, driven by keys, in Chromium."""

import re

import pytest

from tests.browser import browser, find_chromium
from tests.report_inputs import finish, render

# What scrolls within itself may be wider than the window, and so may what lies inside it.
ALLOWED_TO_SCROLL = ".scroll, nav, pre"
PAPER = 718  # CSS pixels between the margins of A4
FOCUSABLE = "a[href], button:enabled, select, input, summary, [tabindex='0']"


@pytest.fixture(scope="module")
def tab(tmp_path_factory):
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium on the PATH; `make browser` installs Debian's as root")
    with browser(program, tmp_path_factory.mktemp("profile")) as started:
        yield started


@pytest.fixture(scope="module")
def path(tmp_path_factory, small_digits, write_evaluation):
    folder = tmp_path_factory.mktemp("page")
    render(finish(folder, small_digits, write_evaluation), folder / "index.html")
    return folder / "index.html"


@pytest.fixture
def page(tab, path):
    """The page, freshly opened on a desktop."""
    tab.open(path)
    yield tab
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("data:")] == [path.as_uri()]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_without_a_complaint_or_a_request(tab, path, scheme):
    tab.open(path, prefers_color_scheme=scheme)
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith("data:")] == [path.as_uri()]
    light = tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert light == (scheme == "light")
    broken = "[...document.images].filter(i => !i.complete || !i.naturalWidth).length"
    assert tab.run(broken) == 0


def test_what_the_tests_listen_to_would_be_heard(tab, tmp_path):
    """Else no complaint and no request would say nothing."""
    bad = tmp_path / "bad.html"
    bad.write_text("<script>fetch('file:///nowhere'); console.log('said'); nothing()</script>")
    tab.open(bad)
    heard = " ".join(tab.complaints())
    assert "said" in heard
    assert "nothing is not defined" in heard
    assert "file:///nowhere" in tab.requests()


@pytest.mark.parametrize("width", [320, 375, 768])
def test_on_a_narrow_window_nothing_overflows(tab, path, width):
    tab.open(path, width=width, height=800)
    tab.run("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert tab.run("document.documentElement.scrollWidth") == width
    wide = tab.run(
        f"[...document.querySelectorAll('body *')].filter(e => !e.closest('{ALLOWED_TO_SCROLL}, "
        ".skip, defs') && e.getBoundingClientRect().right > innerWidth + 1)"
        ".map(e => e.outerHTML.slice(0, 80))"
    )
    assert wide == []


def cells(tab, column):
    return tab.run(
        "[...document.querySelectorAll('#comparison > div:first-of-type tbody tr')]"
        f".map(r => r.cells[{column}].dataset.value ?? null)"
    )


def test_a_table_sorts_by_click_and_by_key_with_empty_cells_last(page):
    header = "#comparison thead tr:last-child th:first-child"
    before = [value for value in cells(page, 2) if value is not None]
    page.click(f"{header} button")
    ascending = cells(page, 2)
    filled = [float(value) for value in ascending if value is not None]
    assert len(filled) == len(before) > 5
    assert filled == sorted(float(value) for value in before)
    assert set(ascending[len(filled) :]) == {None}
    assert page.run(f"document.querySelector('{header}').ariaSort") == "ascending"

    page.run(f"document.querySelector('{header} button').focus()")
    page.press("Enter")
    descending = cells(page, 2)
    assert [float(value) for value in descending[: len(filled)]] == filled[::-1]
    assert set(descending[len(filled) :]) == {None}
    assert page.run("document.querySelectorAll('[aria-sort]').length") == 1


def test_a_table_sorts_by_name_and_whole_rows_move(page):
    rows = (
        "[...document.querySelectorAll('#comparison > div:first-of-type tbody tr')]"
        ".map(r => r.textContent)"
    )
    before = page.run(rows)
    page.click("#comparison thead th:first-child button")
    after = page.run(rows)
    assert sorted(after) == sorted(before)
    names = [row.split("against")[0].strip().split("\n")[0] for row in after]
    assert names[0] == "autoencoder"
    assert [n for n in names if n.startswith("PCA")] == ["PCA 4", "PCA 8"]


def card(tab):
    return tab.run(
        "(() => { const c = document.querySelector('.card');"
        " return c.hidden ? null : c.textContent.trim() })()"
    )


def test_pointing_at_a_mark_shows_its_sample(page):
    assert card(page) is None
    page.move(".points use:nth-child(24)")
    page.until("!document.querySelector('.card').hidden")
    chosen = page.run(
        "(() => { const s = document.querySelector('.thumbnail').style;"
        " return 40 * s.getPropertyValue('--row') + +s.getPropertyValue('--column') })()"
    )
    data = page.run("JSON.parse(document.getElementById('map-data').textContent)")
    name = data["classes"][data["labels"][chosen]]
    assert card(page).startswith(f"{name}, {data['splits'][chosen]} {data['ids'][chosen]}")
    entry = data["entries"][int(page.run("document.querySelector('#map-entry').value"))]
    centre = (entry["x"][23], entry["y"][23])  # where the mouse is; another mark may lie on top
    assert abs(entry["x"][chosen] - centre[0]) + abs(entry["y"][chosen] - centre[1]) < 20
    page.move("h1")
    page.until("document.querySelector('.card').hidden")


def test_arrow_keys_go_from_mark_to_mark(page):
    page.run("document.getElementById('map-by-class').focus()")
    page.press("Tab")
    assert page.run("document.activeElement.getAttribute('role')") == "application"
    first, x = card(page), page.run("+document.querySelector('.ring').getAttribute('cx')")
    assert first
    page.press("ArrowRight")
    assert card(page) != first
    assert page.run("+document.querySelector('.ring').getAttribute('cx')") > x
    assert page.run("document.getElementById('map-status').textContent") == card(page)
    page.press("Escape")
    assert card(page) is None


def test_another_representation_moves_the_marks(page):
    where = (
        "[...document.querySelectorAll('.points use')].map(u => u.style.getPropertyValue('--x'))"
    )
    before = page.run(where)
    page.run("document.getElementById('map-entry').focus()")
    chosen = int(page.run("document.getElementById('map-entry').value"))
    page.press("ArrowUp" if chosen else "ArrowDown")
    entry = chosen + (-1 if chosen else 1)
    after = page.run(where)
    data = page.run("JSON.parse(document.getElementById('map-data').textContent)")
    assert after == [f"{x}px" for x in data["entries"][entry]["x"]]
    assert after != before


def test_marks_tell_error_and_split_by_more_than_colour(page):
    style = "[...document.querySelectorAll('.points use')].map(u => getComputedStyle(u).{})"
    data = page.run("JSON.parse(document.getElementById('map-data').textContent)")
    page.click("#map-by-split")
    fills = page.run(style.format("fillOpacity + getComputedStyle(u).fill"))
    assert len({(split, fill) for split, fill in zip(data["splits"], fills, strict=True)}) == 3
    assert len(set(fills)) == 3
    with_error = next(n for n, entry in enumerate(data["entries"]) if entry["error"])
    page.run(
        f"(() => {{ const s = document.getElementById('map-entry'); s.value = {with_error};"
        " s.dispatchEvent(new Event('change')) })()"
    )
    page.click("#map-by-error")
    sizes = page.run(style.format("getPropertyValue('--k')"))
    assert len(set(sizes)) > 10


def test_one_class_can_be_shown_alone(page):
    page.click(".by-class button:nth-of-type(3)")
    dimmed = page.run(
        "[...document.querySelectorAll('.points use')].map(u => u.matches('.dimmed'))"
    )
    data = page.run("JSON.parse(document.getElementById('map-data').textContent)")
    assert dimmed == [label != 2 for label in data["labels"]]
    page.click(".by-class button:nth-of-type(3)")
    assert page.run("document.querySelectorAll('.dimmed').length") == 0


@pytest.mark.parametrize("name", ["interpolations", "traversals"])
def test_a_slider_moves_its_pictures_and_says_where_it_is(page, name):
    shown = (
        f"(() => {{ const w = document.getElementById('walk-{name}').closest('.walk');"
        " return [getComputedStyle(w.querySelector('.frame div')).backgroundPositionX,"
        " w.querySelector('output').textContent, w.querySelector('input').ariaValueText] })()"
    )
    page.run(f"document.getElementById('walk-{name}').focus()")
    page.press("Home")
    assert page.run(shown)[0] == "0%"
    page.press("ArrowRight")
    position, written, spoken = page.run(shown)
    assert position == "25%"  # the second of five frames
    assert written == spoken
    page.press("End")
    assert page.run(shown)[0] == "100%"
    assert (
        page.run(shown)[1]
        == {
            "interpolations": "100 % of the way",
            "traversals": "+2.50 standard deviations",
        }[name]
    )


def test_the_tab_key_reaches_everything_and_shows_where_it_is(page):
    page.run(
        "window.expected = new Set([...document.querySelectorAll(`" + FOCUSABLE + "`)].filter(e =>"
        " e.checkVisibility() && !(e.type === 'radio' && !e.checked)));"
        "window.unseen = []; document.activeElement.blur(); 0"
    )
    count = page.run("expected.size")
    assert count > 40
    for _ in range(count):
        page.press("Tab")
        page.run(
            "expected.delete(document.activeElement);"
            "if (getComputedStyle(document.activeElement).outlineStyle === 'none')"
            " unseen.push(document.activeElement.outerHTML); 0"
        )
    assert page.run("[...expected].map(e => e.outerHTML.slice(0, 80))") == []
    assert page.run("unseen") == []


def test_without_a_script_every_figure_is_there_and_nothing_is_dead(tab, path):
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(path)
        assert tab.run("document.querySelectorAll('.points use').length") == 60
        assert tab.run("[...document.querySelectorAll('.walk')].every(w => !w.checkVisibility())")
        assert tab.run("document.querySelectorAll('thead button').length") == 0
        assert tab.run("document.querySelectorAll('#vae .strip img').length") > 5
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def test_on_paper_everything_is_unfolded_and_controls_are_gone(tab, path, tmp_path):
    tab.open(path, prefers_color_scheme="dark")
    tab.call("Emulation.setEmulatedMedia", media="print")
    seen = "[...document.querySelectorAll('{}')].filter(e => e.getBoundingClientRect().height > 0)"
    assert tab.run(seen.format("details pre") + ".length") == 1
    assert tab.run(seen.format("nav, .walk, .choices") + ".length") == 0
    assert tab.run("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    tab.resize(PAPER, 1000)
    wide = f"[...document.querySelectorAll('table')].filter(t => t.offsetWidth > {PAPER}).length"
    assert tab.run(wide) == 0
    tab.print(tmp_path / "page.pdf")
    content = (tmp_path / "page.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) > 3
