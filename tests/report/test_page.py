"""The plot, and the page in a browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.leaderboard import make_leaderboard, write_leaderboard
from domainbert.report.page import HEIGHT, WIDTH, make_plot

# A browser takes a second to start; `make test-slow` and CI run these.
slow = pytest.mark.slow

Write = Callable[..., Path]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}
HOSTILE = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 2'>"
LONG = "a-model-with-a-very-long-name-and-an-extended-vocabulary" * 2


def plot(folder: Path) -> Any:
    ((table,), _) = make_leaderboard([str(folder)])
    return make_plot(table["rows"])


def test_points_are_inside_and_labels_apart(tmp_path: Path, write_result: Write) -> None:
    for number in range(8):
        named = {"run": f"run-{number}", "sha256": str(number) * 64, "minutes": 3.0**number}
        write_result(tmp_path / str(number), 0.9, records=300, model=named)
    write_result(tmp_path / "base", -1.0, records=300, model=BASELINE, settings={})
    made = plot(tmp_path)
    assert len(made["points"]) == 9
    for point in made["points"]:
        assert made["left"] <= point["x"] <= made["right"] < WIDTH
        assert made["top"] <= point["high"] <= point["mean"] <= point["low"]
        assert max(point["low"], point["label_y"]) <= made["bottom"] < HEIGHT
    labels = [point["label_y"] for point in made["points"]]
    assert min(b - a for a, b in itertools.pairwise(labels)) >= 14.9


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path)
        yield launched
        launched.close()


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
    return write_leaderboard(*make_leaderboard([str(folder)]), folder / "site")[3].as_uri()


class Tab:
    """An open page, and everything that went wrong in it."""

    def __init__(self, browser: Any, address: str, **context: Any) -> None:
        self.page = browser.new_context(**context).new_page()
        self.troubles: list[str] = []
        self.page.on("console", lambda message: self.troubles.append(message.text))
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        expected = {address, "data:,"}
        self.page.on("request", lambda r: r.url in expected or self.troubles.append(r.url))
        self.page.goto(address)

    def names(self, task: int = 1) -> list[str]:
        rows = self.page.locator(f"#task-{task} table.models tbody tr:visible .model .name")
        return [name[:5] for name in rows.all_inner_texts()]

    def press(self, title: str, key: str = "Enter") -> Any:
        head = self.page.locator("#task-1 thead th").filter(has_text=title).first
        head.get_by_role("button").press(key)
        return head.get_attribute("aria-sort")


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Callable[..., Tab]]:
    tabs = []

    def open_page(**context: Any) -> Tab:
        tabs.append(Tab(browser, address, **context))
        return tabs[-1]

    yield open_page
    for tab in tabs:
        assert (tab.troubles, tab.page.evaluate("window.harmed")) == ([], None)
        tab.page.context.close()


BY_SCORE = ["alpha", "a-mod", "<scri", "packa", "major"]


@slow
@pytest.mark.parametrize("script", [True, False])
def test_the_page_shows_every_model_best_first(opened: Callable[..., Tab], script: bool) -> None:
    tab = opened(java_script_enabled=script)
    assert (tab.names(), tab.names(2)) == (BY_SCORE, ["alpha"])
    ranks = tab.page.locator("#task-1 td.rank").all_inner_texts()
    assert ranks == ["1", "–", "2", "3", "–"]
    assert tab.page.locator("#task-2 h2").inner_text() == "roles sample, not a benchmark"
    assert tab.page.locator("#task-1 .model .name").nth(2).inner_text() == HOSTILE
    assert tab.page.locator("#controls").is_visible() is script
    picture = tab.page.get_by_role("img", name="tone: f1_macro in percent against minutes")
    assert "alpha: " in picture.locator("desc").text_content()


@slow
def test_sorting_by_keyboard_search_and_filters(opened: Callable[..., Tab]) -> None:
    tab = opened()
    assert (tab.press("f1_macro"), tab.names()) == ("ascending", BY_SCORE[::-1])
    tab.page.get_by_label("Search", exact=True).fill("MINI  alpha")
    assert (tab.names(), tab.page.inner_text("#status")) == (["alpha"], "1 of 6 rows")
    assert tab.page.locator("#task-1 .point:visible").count() == 1
    tab.page.fill("#search", "")
    tab.page.get_by_label("Task", exact=True).select_option(label="roles, version 1")
    titles = tab.page.locator("section.task:visible h2").all_inner_texts()
    assert titles == ["roles sample, not a benchmark"]
