"""The plot, and the page in a browser: the system's Chromium, driven by Playwright."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from domainbert.report.leaderboard import make_leaderboard, write_leaderboard
from domainbert.report.page import HEIGHT, SIZES, make_plot

# A browser takes a second to start; `make test-slow` and CI run these.
slow = pytest.mark.slow

Write = Callable[..., Path]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}
HOSTILE = "<script>window.harmed = 1</script><img src=x onerror='window.harmed = 2'>"
LONG = "a-model-with-a-very-long-name-and-an-extended-vocabulary" * 2


@pytest.mark.parametrize("form", SIZES)
def test_points_are_inside_and_labels_apart(tmp_path: Path, write_result: Write, form: str) -> None:
    for number in range(8):
        named = {"run": f"run-{number}", "sha256": str(number) * 64, "minutes": 3.0**number}
        write_result(tmp_path / str(number), 0.9, records=300, model=named)
    write_result(tmp_path / "base", -1.0, records=300, model=BASELINE, settings={})
    ((table,), _) = make_leaderboard([str(tmp_path)])
    width, labels = SIZES[form]
    made = make_plot(table["rows"], width, labels)
    assert len(made["points"]) == 9
    for point in made["points"]:
        assert made["left"] <= point["x"] <= made["right"] < width
        assert made["top"] <= point["high"] <= point["mean"] <= point["low"]
        assert max(point["low"], point["label_y"]) <= made["bottom"] < HEIGHT
    labels = [point["label_y"] for point in made["points"]]
    assert min(b - a for a, b in itertools.pairwise(labels)) >= 14.9


@pytest.mark.parametrize("right", [1.0, 0.995])
def test_the_axis_ends_at_100(tmp_path: Path, write_result: Write, right: float) -> None:
    for number in range(3):
        named = {"run": f"run-{number}", "sha256": str(number) * 64}
        write_result(tmp_path / str(number), right - number / 40, model=named)
    ((table,), _) = make_leaderboard([str(tmp_path)])
    ticks = make_plot(table["rows"], *SIZES["wide"])["y_ticks"]
    assert max(float(tick["label"]) for tick in ticks) <= 100
    assert min(tick["place"] for tick in ticks) >= 16


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


@slow
@pytest.mark.parametrize("script", [True, False])
def test_a_telephone_shows_verdicts_and_plots_without_scrolling_sideways(
    opened: Callable[..., Tab], script: bool
) -> None:
    page = opened(viewport={"width": 390, "height": 844}, java_script_enabled=script).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator("svg.wide:visible").count() == 0
    for seen in ("svg.narrow", "table.models .base .sub", "table.models .score", "ol.narrow li"):
        boxes = [item.bounding_box() for item in page.locator(f"{seen}:visible").all()]
        assert boxes
        assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes if box)
    for region in page.locator("section.task > .scroll").all():
        assert region.evaluate("e => e.scrollWidth <= e.clientWidth")


@slow
def test_the_summary_has_every_model_and_task_with_its_verdict(opened: Callable[..., Tab]) -> None:
    page = opened().page
    rows = page.locator(".summary tbody tr").all_inner_texts()
    alpha = next(row for row in rows if row.startswith("alpha"))
    assert "\u25b2" in alpha
    assert page.locator(".summary thead a").all_inner_texts() == ["tone", "roles"]
    assert len(rows) == len(set(rows)) >= 4
    page.locator(".summary thead a").nth(1).click()
    assert page.url.endswith("#task-2")
