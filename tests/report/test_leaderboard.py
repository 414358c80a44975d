from __future__ import annotations

import csv
import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from domainbert.errors import RunFolderError
from domainbert.report.leaderboard import board_json, make_leaderboard, write_leaderboard

Write = Callable[..., Path]
FILES = ["index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md"]
BASELINE = {"name": "majority", "run": None, "sha256": None, "base": None, "parameters": None}
HOSTILE = [
    "=cmd|' /C calc'!A0",
    "--><img src=x onerror=alert(1)>",
    "a | b ](javascript:alert(1)) `c` **d**",
    "</script></style></title>\u202eevil",
]


def written(results: Path, site: Path) -> dict[str, str]:
    """The four files by their endings."""
    paths = write_leaderboard(*make_leaderboard([str(results)]), site)
    assert sorted(path.name for path in paths) == FILES
    return {path.suffix: path.read_text(encoding="utf-8") for path in paths}


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, write_result: Write) -> Path:
    folder = tmp_path_factory.mktemp("results")
    base = {"name": "base", "run": None, "base": "town", "sha256": "b" * 64}
    for seed in range(5):
        write_result(folder, 0.8, seed=seed, model={"run": "town"})
        write_result(folder, 0.4, seed=seed, model=base)
    write_result(folder, -1.0, model=BASELINE, settings={})
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, results: Path) -> dict[str, str]:
    return written(results, tmp_path_factory.mktemp("site"))


class Page(HTMLParser):
    """The elements of a page, and the addresses that it would fetch or link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        links = {"src", "href", "action"}
        self.addresses = [value for name, value in self.attributes if name in links]
        self.handlers = [name for name, _ in self.attributes if name.startswith("on")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def test_equal_results_give_equal_files(
    tmp_path: Path, results: Path, site: dict[str, str]
) -> None:
    assert list(tmp_path.iterdir()) == []
    files = sorted(map(str, results.rglob("*.json")), reverse=True)
    (tmp_path / "index.html").write_text("old", encoding="utf-8")
    (tmp_path / "leaderboard.json").write_text(site[".json"], encoding="utf-8")
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    again = write_leaderboard(*make_leaderboard(files), tmp_path)
    assert {path.suffix: path.read_text(encoding="utf-8") for path in again} == site
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    assert str(results) not in "".join(site.values())


@pytest.mark.parametrize("name", ["index.html", "leaderboard.csv"])
def test_foreign_files_are_not_written_over(tmp_path: Path, results: Path, name: str) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(RunFolderError, match="is there already and no leaderboard wrote it"):
        written(results, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with pytest.raises(RunFolderError, match=r"cannot be written to: .+ with -o\."):
        written(results, tmp_path / name)


def test_json_csv_and_markdown_say_the_same(site: dict[str, str]) -> None:
    board = json.loads(site[".json"])
    (table,) = board["tables"]
    assert (board["schema"], board["results"], table["records"]) == (1, 11, 120)
    assert [(row["title"], row["rank"]) for row in table["rows"]] == [
        ("town · e388e86", 1), ("town · bbbbbbb", 2), ("majority", None),
    ]  # fmt: skip
    for line, row in zip(csv.DictReader(site[".csv"].splitlines()), table["rows"], strict=True):
        model, against = row["model"], row["against_base"] or {"verdict": ""}
        expected = {
            "model": row["title"], "rank": row["rank"], "parameters": model["parameters"],
            "mean": round(row["mean"], 6), "base": row["base"], "verdict": against["verdict"],
        }  # fmt: skip
        assert {k: line[k] for k in expected} == {k: str(v or "") for k, v in expected.items()}
    row = table["rows"][0]
    score, sd, low, high = (f"{100 * row[key]:.2f}" for key in ("mean", "sd", "low", "high"))
    assert f"| 1 | town · e388e86 | {score} ± {sd} | {low} to {high} | " in site[".md"]
    assert ", better | 5 | 22,713,216 | 9,441,385 | 70.8 |\n" in site[".md"]


def test_tables_of_one_task_are_kept_apart(tmp_path: Path, write_result: Write) -> None:
    for folder, task in enumerate([{}, {"version": "2"}, {"multi_label": True}]):
        write_result(tmp_path / str(folder), task=task)
    tables, notices = make_leaderboard([str(tmp_path)])
    assert len(board_json(tables, notices)["tables"]) == 3
    texts = written(tmp_path, tmp_path / "site")
    assert all("tone: 3 tables" in texts[suffix] for suffix in (".html", ".json", ".md"))


@pytest.fixture(scope="module")
def plain_site(tmp_path_factory: pytest.TempPathFactory, write_result: Write) -> dict[str, str]:
    return named_site(tmp_path_factory.mktemp("named"), write_result, "town")


def named_site(folder: Path, write: Write, name: str) -> dict[str, str]:
    named = {"records": 9, "task": {"version": name, "domain": name}}
    for seed in (0, 1):
        write(folder, seed=seed, model={"run": name, "base": name}, **named)
    write(folder, model={"name": "base", "run": None, "base": name}, **named)
    return written(folder, folder / "site")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_everywhere(
    plain_site: dict[str, str], tmp_path: Path, write_result: Write, name: str
) -> None:
    sites = [plain_site, named_site(tmp_path, write_result, name)]
    plain, hostile = (Page(site[".html"]) for site in sites)
    assert (hostile.tags, hostile.addresses) == (plain.tags, plain.addresses)
    assert hostile.handlers == []
    assert name.replace("\u202e", "\ufffd") in hostile.text
    markdown = MarkdownIt("commonmark").enable("table")
    first, second = ([t.type for t in markdown.parse(site[".md"])] for site in sites)
    assert first == second
    rows = list(csv.reader(sites[1][".csv"].splitlines()))
    assert {len(row) for row in rows} == {24}
    assert [cell for row in rows for cell in row if cell.startswith(("=", "@", "+"))] == []
    assert json.loads(sites[1][".json"])["tables"][0]["task"]["version"] == name


def test_the_page_fetches_nothing_and_runs_its_own_script_only(site: dict[str, str]) -> None:
    text = site[".html"]
    beside = ["leaderboard.json", "leaderboard.csv", "leaderboard.md"]
    assert Page(text).addresses == ["data:,", *beside]
    assert "http" not in text.replace("http-equiv", "")
    assert text.count("<script") == text.count("<style") == 1
    assert "default-src 'none'; style-src 'sha256-" in text
    assert "unsafe" not in text
    assert "style=" not in text
