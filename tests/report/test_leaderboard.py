from __future__ import annotations

import csv
import itertools
import json
import math
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from domainbert.errors import RunFolderError
from domainbert.report.leaderboard import (
    Leaderboard,
    board_json,
    make_leaderboard,
    write_leaderboard,
)
from domainbert.report.plot import HEIGHT, WIDTH, make_plot, ticks

Write = Callable[..., Path]
FILES = ["index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md"]
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}
HOSTILE = [
    "<script>document.title='gone'</script>",
    "=cmd|' /C calc'!A0",
    "--><img src=x onerror=alert(1)>",
    "a | b ](javascript:alert(1)) `c` **d**",
    "\"' onmouseover='alert(1)",
    "</script></style></title>\u202eevil",
    "{{ 7 * 7 }}{% raw %}",
]


def fill(folder: Path, write: Write) -> Path:
    for seed in (0, 1):
        write(folder, 0.8, seed=seed, model={"run": "town"})
        base = {"name": "base", "run": None, "base": "town", "sha256": "b" * 64}
        write(folder, 0.4, seed=seed, model=base)
    write(folder, -1.0, model=BASELINE, settings={})
    return folder


def made(*sources: Path) -> Leaderboard:
    return make_leaderboard([str(source) for source in sources])


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory, write_result: Write) -> Leaderboard:
    return made(fill(tmp_path_factory.mktemp("results"), write_result))


class Page(HTMLParser):
    """The elements of a page, and the addresses that it would fetch or link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.addresses += [str(v) for name, v in attrs if name in {"src", "href", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_four_files_and_no_other(tmp_path: Path, board: Leaderboard) -> None:
    written = write_leaderboard(board, tmp_path / "a" / "site")
    assert sorted(path.name for path in written) == FILES
    assert sorted(path.name for path in (tmp_path / "a" / "site").iterdir()) == FILES


def test_the_same_results_give_the_same_files(tmp_path: Path, write_result: Write) -> None:
    results = fill(tmp_path / "results", write_result)
    files = sorted(results.rglob("*.json"))
    boards = [made(results), make_leaderboard([str(path) for path in reversed(files)])]
    texts = []
    for number, board in enumerate(boards):
        folder = tmp_path / str(number)
        texts.append([p.read_bytes() for p in sorted(write_leaderboard(board, folder))])
    assert texts[0] == texts[1]
    assert str(tmp_path).encode() not in b"".join(texts[0])


def test_a_site_is_written_over_and_other_files_stay(tmp_path: Path, board: Leaderboard) -> None:
    write_leaderboard(board, tmp_path)
    (tmp_path / "index.html").write_text("old", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    write_leaderboard(board, tmp_path)
    assert (tmp_path / "index.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_place_that_cannot_be_written_to(tmp_path: Path, board: Leaderboard) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(
        RunFolderError, match=r"cannot be written to: .+ Name another folder with -o\."
    ):
        write_leaderboard(board, tmp_path / "file")


def test_json_golden(board: Leaderboard) -> None:
    found = json.loads(json.dumps(board_json(board), allow_nan=False))
    assert (found["schema"], found["results"], found["notices"]) == (1, 5, [])
    (table,) = found["tables"]
    assert (table["metric"], table["records"], table["noticed"]) == ("f1_macro", 120, {})
    rows = {row["title"]: row for row in table["rows"]}
    assert list(rows) == ["town · e388e86", "town · bbbbbbb", "majority"]
    adapted, base, baseline = rows.values()
    assert [row["rank"] for row in rows.values()] == [1, 2, None]
    assert adapted["mean"] == pytest.approx(sum(adapted["values"]) / 2)
    difference = adapted["against_base"]["difference"]
    assert difference == pytest.approx(adapted["mean"] - base["mean"])
    assert (adapted["base"], base["base"]) == ("town · bbbbbbb", None)
    assert (baseline["sd"], baseline["unranked"]) == (None, "baseline")
    assert adapted["scores"]["f1_macro"] == {"mean": adapted["mean"], "sd": adapted["sd"]}


def test_csv_says_the_same_in_numbers(tmp_path: Path, board: Leaderboard) -> None:
    path = next(p for p in write_leaderboard(board, tmp_path / "site") if p.suffix == ".csv")
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    (table,) = board.tables
    assert [row["model"] for row in rows] == [row.title for row in table.rows]
    for found, row in zip(rows, table.rows, strict=True):
        assert float(found["mean"]) == pytest.approx(row.scores["f1_macro"].mean, abs=1e-6)
        assert found["rank"] == ("" if row.rank is None else str(row.rank))
        assert found["parameters"] == ("" if row.is_baseline else "22713216")
    assert rows[0]["verdict"] == "better"
    assert float(rows[0]["difference_low"]) > 0


def test_numbers_below_zero_stay_numbers_in_csv(tmp_path: Path, write_result: Write) -> None:
    for seed in (0, 1):
        write_result(tmp_path, 0.5, seed=seed)
        write_result(tmp_path, 0.9, seed=seed, model={"name": "base", "base": "mini"})
    path = write_leaderboard(made(tmp_path), tmp_path / "site")[1]
    with path.open(encoding="utf-8", newline="") as stream:
        found = [row["difference"] for row in csv.DictReader(stream)]
    assert found[0] == ""
    assert float(found[1]) < 0


def test_markdown_golden(tmp_path: Path, board: Leaderboard) -> None:
    text = write_leaderboard(board, tmp_path / "site")[2].read_text(encoding="utf-8")
    (table,) = board.tables
    adapted = table.rows[0]
    score = adapted.scores["f1_macro"]
    against = adapted.against_base
    assert against is not None
    assert (
        f"| 1 | town · e388e86 | {100 * score.mean:.2f} ± {100 * score.sd:.2f} "
        f"| {100 * adapted.interval.low:.2f} to {100 * adapted.interval.high:.2f} "
        f"| {100 * against.difference:+.2f} ({100 * against.low:+.2f} to "
        f"{100 * against.high:+.2f}), better | 2 | 22,713,216 | 9,441,385 | 70.8 |\n"
    ) in text


def test_tables_of_one_task_are_kept_apart_and_it_is_said(
    tmp_path: Path, write_result: Write
) -> None:
    write_result(tmp_path / "a")
    write_result(tmp_path / "b", task={"version": "2"})
    write_result(tmp_path / "c", task={"multi_label": True})
    board = made(tmp_path)
    assert len(board.tables) == 3
    told = "scores are not comparable where version and multi_label and metric differ."
    assert board.notices == (f"tone: 3 tables, because {told}",)
    written = write_leaderboard(board, tmp_path / "site")
    for path in (written[0], written[2], written[3]):
        assert "tone: 3 tables" in path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def site_of(
    tmp_path_factory: pytest.TempPathFactory, write_result: Write
) -> Callable[[str], dict[str, str]]:
    def write(name: str) -> dict[str, str]:
        folder = tmp_path_factory.mktemp("named")
        for seed in (0, 1):
            named = {"run": name, "base": name}
            write_result(folder, seed=seed, records=9, model=named, task={"name": name})
        base = {"name": "base", "run": None, "base": name}
        write_result(folder, records=9, model=base, task={"name": name})
        written = write_leaderboard(made(folder), folder / "site")
        return {path.suffix: path.read_text(encoding="utf-8") for path in written}

    return write


@pytest.fixture(scope="module")
def plain_site(site_of: Callable[[str], dict[str, str]]) -> dict[str, str]:
    return site_of("town")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_everywhere(
    plain_site: dict[str, str], site_of: Callable[[str], dict[str, str]], name: str
) -> None:
    site = {"plain": plain_site, "hostile": site_of(name)}
    plain, hostile = (Page(found[".html"]) for found in site.values())
    assert hostile.tags == plain.tags
    assert hostile.handlers == []
    assert hostile.addresses == plain.addresses
    shown = name.replace("\u202e", "\ufffd")
    assert shown in hostile.text

    tokens = [
        [t.type for t in MarkdownIt("commonmark").enable("table").parse(found[".md"])]
        for found in site.values()
    ]
    assert tokens[0] == tokens[1]
    rows = list(csv.reader(site["hostile"][".csv"].splitlines()))
    assert {len(row) for row in rows} == {24}
    assert [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))] == []
    assert name in json.dumps(json.loads(site["hostile"][".json"]), ensure_ascii=False).replace(
        '\\"', '"'
    )


def test_the_page_fetches_nothing_and_runs_its_own_script_only(
    tmp_path: Path, board: Leaderboard
) -> None:
    written = write_leaderboard(board, tmp_path / "site")
    text = written[3].read_text(encoding="utf-8")
    page = Page(text)
    beside = ["leaderboard.json", "leaderboard.csv", "leaderboard.md"]
    assert page.addresses == ["data:,", *beside]
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<script") == text.count("<style") == 1
    assert "default-src 'none'; style-src 'sha256-" in text
    assert "unsafe" not in text
    assert "style=" not in text


@given(
    low=st.floats(-1e3, 1e3),
    width=st.floats(1e-4, 1e4),
)
def test_ticks_are_few_round_and_inside(low: float, width: float) -> None:
    found = ticks(low, low + width)
    assert 2 <= len(found) <= 6
    slack = 1e-6 * (abs(low) + width)
    assert low - slack <= found[0] and found[-1] <= low + width + slack
    steps = {round(b - a, 9) for a, b in itertools.pairwise(found)}
    assert max(steps) - min(steps) < 1e-6 * (1 + abs(low) + width)


def test_a_plot_has_its_points_inside_and_its_labels_apart(
    tmp_path: Path, write_result: Write
) -> None:
    for number in range(8):
        write_result(
            tmp_path / str(number),
            0.9,
            records=300,
            model={"run": f"run-{number}", "sha256": str(number) * 64, "minutes": 3.0**number},
        )
    write_result(tmp_path / "base", -1.0, records=300, model=BASELINE, settings={})
    (table,) = made(tmp_path).tables
    plot = make_plot(table)
    assert plot is not None
    assert plot.logarithmic
    assert len(plot.points) == len(table.rows) == 9
    for point in plot.points:
        assert plot.left <= point.x <= plot.right < WIDTH
        assert plot.top <= point.high <= point.y <= point.low <= plot.bottom < HEIGHT
        assert plot.top <= point.label_y <= plot.bottom
    labels = sorted(point.label_y for point in plot.points)
    assert min(b - a for a, b in itertools.pairwise(labels)) >= 14.9
    assert [point.row.title for point in plot.points if point.outside] == ["majority"]
    for tick in (*plot.x_ticks, *plot.y_ticks):
        assert not math.isnan(float(tick.label))


def test_costs_of_nothing_and_equal_scores_can_be_plotted(
    tmp_path: Path, write_result: Write
) -> None:
    for number in range(2):
        free: dict[str, Any] = {"run": f"r{number}", "sha256": str(number) * 64, "minutes": 0.0}
        write_result(tmp_path / str(number), 1.0, model=free, minutes=0.0)
    (table,) = made(tmp_path).tables
    plot = make_plot(table)
    assert plot is not None
    assert {(point.x, point.y) for point in plot.points} == {(plot.left, 142.0)}


def test_one_model_is_no_plot(tmp_path: Path, write_result: Write) -> None:
    write_result(tmp_path)
    (table,) = made(tmp_path).tables
    assert make_plot(table) is None
    assert "<figure>" not in write_leaderboard(made(tmp_path), tmp_path / "s")[3].read_text("utf-8")
