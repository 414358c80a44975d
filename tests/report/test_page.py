"""The page in a browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.leaderboard import make_leaderboard, write_leaderboard

# A browser takes a second to start; `make test-slow` and CI run these.
pytestmark = pytest.mark.slow

Write = Callable[..., Path]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}
HOSTILE = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 2'>"
LONG = "a-model-with-a-very-long-name-and-an-extended-vocabulary" * 2


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path)
        yield found
        found.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory, write_result: Write) -> str:
    folder = tmp_path_factory.mktemp("page")
    for seed in (0, 1):
        write_result(folder / "a", 0.9, seed=seed, model={"run": "alpha", "minutes": 100.0})
        write_result(folder / "a", 0.2, seed=seed, model={"name": "base", "run": None})
        write_result(folder / "b", 0.75, seed=seed, model={"run": HOSTILE, "sha256": "d" * 64})
    write_result(folder / "c", 0.8, model={"run": LONG, "sha256": "e" * 64, "minutes": 80.0})
    write_result(folder / "a", -1.0, model=BASELINE, settings={}, minutes=0.01)
    tagging = {"name": "roles", "kind": "tagging", "sample": True}
    write_result(folder / "a", 0.9, model={"run": "alpha"}, task=tagging)
    board = make_leaderboard([str(folder)])
    return write_leaderboard(board, folder / "site")[3].as_uri()


class Tab:
    """A page that was opened, and all that went wrong in it."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.page = browser.new_context(**context).new_page()
        self.troubles: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(address)

    def names(self, task: int = 1) -> list[str]:
        rows = self.page.locator(f"#task-{task} table.models tbody tr:visible .model .name")
        return [name[:5] for name in rows.all_inner_texts()]

    def head(self, title: str) -> Any:
        return self.page.locator("#task-1 thead th").filter(has_text=title)


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Tab]]:
    tabs = []

    def open_page(**context: Any) -> Tab:
        tabs.append(Tab(browser, address, **context))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        assert tab.troubles == []
        assert [url for url in tab.requests if url != address and url != "data:,"] == []
        assert tab.page.evaluate("window.harmed") is None
        tab.page.context.close()


BY_SCORE = ["alpha", "a-mod", "<scri", "packa", "major"]


def test_the_page_shows_every_model_best_first(opened: Callable[..., Tab]) -> None:
    tab = opened()
    assert tab.names() == BY_SCORE
    assert tab.names(2) == ["alpha"]
    ranks = tab.page.locator("#task-1 td.rank").all_inner_texts()
    assert ranks == ["1", "–", "2", "3", "–"]
    assert tab.page.locator("#task-2 h2").inner_text() == "roles sample, not a benchmark"
    assert tab.page.inner_text("#status") == "6 rows"


def test_a_name_that_is_a_script_is_text(opened: Callable[..., Tab]) -> None:
    tab = opened()
    shown = tab.page.locator("#task-1 .model .name").nth(2)
    assert shown.inner_text() == HOSTILE
    assert tab.page.locator("img").count() == 0


def test_the_policy_stops_a_script_that_is_not_ours(browser: Any, address: str) -> None:
    tab = Tab(browser, address)
    tab.page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.harmed = 3';"
        " document.body.append(s); }"
    )
    assert tab.page.evaluate("window.harmed") is None
    assert "Content Security Policy" in tab.troubles[0]


def test_a_column_is_sorted_both_ways(opened: Callable[..., Tab]) -> None:
    tab = opened()
    score, minutes = tab.head("macro F1"), tab.head("minutes")
    assert score.get_attribute("aria-sort") == "descending"
    score.get_by_role("button").click()
    assert score.get_attribute("aria-sort") == "ascending"
    assert tab.names() == BY_SCORE[::-1]
    minutes.get_by_role("button").click()
    assert score.get_attribute("aria-sort") is None
    assert minutes.get_attribute("aria-sort") == "ascending"
    assert tab.names() == ["major", "packa", "<scri", "a-mod", "alpha"]


def test_the_keyboard_sorts_too_and_what_is_missing_stays_last(
    opened: Callable[..., Tab],
) -> None:
    tab = opened()
    for _ in range(2):
        tab.head("parameters").get_by_role("button").press("Enter")
        assert tab.names()[-1] == "major"
    tab.head("rank").get_by_role("button").press("Space")
    assert tab.names() == ["alpha", "<scri", "packa", "a-mod", "major"]
    assert tab.names(2) == ["alpha"]


def test_search_leaves_what_fits_in_table_and_plot(opened: Callable[..., Tab]) -> None:
    tab = opened()
    tab.page.fill("#search", "MINI  alpha")
    assert tab.names() == ["alpha"]
    assert tab.page.inner_text("#status") == "1 of 6 rows"
    assert tab.page.locator("#task-1 .point:visible").count() == 1
    assert tab.page.locator("#task-2 .none").is_visible()
    tab.page.fill("#search", "")
    assert tab.names() == BY_SCORE
    assert tab.page.locator("#task-1 .point:visible").count() == 5


def test_tasks_and_rows_are_filtered(opened: Callable[..., Tab]) -> None:
    tab = opened()
    tab.page.select_option("#rows", "ranked")
    assert tab.names() == ["alpha", "<scri", "packa"]
    tab.page.select_option("#rows", "baseline")
    assert tab.names() == ["major"]
    tab.page.select_option("#rows", "model")
    assert tab.names() == BY_SCORE[:-1]
    tab.page.get_by_label("Task").select_option(label="roles, version 1")
    assert tab.page.locator("section.task:visible h2").all_inner_texts() == [
        "roles sample, not a benchmark"
    ]
    assert tab.page.inner_text("#status") == "1 of 6 rows"


@pytest.mark.parametrize("width", [320, 360, 768])
def test_a_narrow_screen_scrolls_inside_the_table_only(
    opened: Callable[..., Tab], width: int
) -> None:
    tab = opened(viewport={"width": width, "height": 740})
    assert tab.page.evaluate("document.documentElement.scrollWidth") == width
    inside = tab.page.locator("#task-1 .scroll").first
    assert inside.evaluate("item => item.scrollWidth > item.clientWidth")
    inside.evaluate("item => { item.scrollLeft = 10_000 }")
    assert tab.head("minutes").is_visible()
    box = tab.head("minutes").bounding_box()
    assert box["x"] + box["width"] <= width


def background(tab: Tab) -> str:
    return tab.page.evaluate("getComputedStyle(document.body).backgroundColor")


LIGHT, DARK = "rgb(253, 253, 251)", "rgb(21, 23, 26)"


def test_light_and_dark_follow_the_system_and_the_button(opened: Callable[..., Tab]) -> None:
    tab = opened(color_scheme="dark")
    assert (background(tab), tab.page.inner_text("#theme")) == (DARK, "Light")
    tab.page.click("#theme")
    assert (background(tab), tab.page.inner_text("#theme")) == (LIGHT, "Dark")
    tab.page.reload()
    assert background(tab) == LIGHT
    assert background(opened(color_scheme="light")) == LIGHT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_enough_contrast(opened: Callable[..., Tab], scheme: str) -> None:
    tab = opened(color_scheme=scheme)

    def luminance(colour: str) -> float:
        parts = [int(part) / 255 for part in colour[4:-1].split(",")]
        line = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * line[0] + 0.7152 * line[1] + 0.0722 * line[2]

    behind = luminance(background(tab))
    for selector in (".model .name", ".model .sub", "h1", ".meta", ".better", "footer a"):
        item = tab.page.locator(selector).first
        text = luminance(item.evaluate("item => getComputedStyle(item).color"))
        light, dark = max(text, behind), min(text, behind)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, selector


def test_without_script_everything_is_there(opened: Callable[..., Tab]) -> None:
    tab = opened(java_script_enabled=False)
    assert tab.names() == BY_SCORE
    assert not tab.page.locator("#controls").is_visible()
    assert not tab.page.locator("#theme").is_visible()


def test_plot_and_controls_have_names(opened: Callable[..., Tab]) -> None:
    tab = opened()
    plot = tab.page.get_by_role("img", name="tone: macro F1 in percent against minutes")
    assert plot.count() == 1
    assert "alpha: " in plot.locator("desc").text_content()
    for label in ("Search", "Task", "Rows"):
        assert tab.page.get_by_label(label, exact=True).count() == 1
    assert tab.page.get_by_role("region", name="tone: models").count() == 1
