from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from domainbert import DataError
from domainbert.errors import DomainBertError
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.tasks import TaskSection
from domainbert.stages.retrieval import make_pairs
from domainbert.tasks.load import load_task

Write = Callable[..., Path]
Made = dict[str, str]
Dated = Callable[..., str]


@cache
def application() -> typer.Typer:
    app = typer.Typer()
    assert load_plugins().register_commands(app) == []
    return app


def run(*arguments: object, command: str = "patents") -> tuple[int, str, str]:
    done = CliRunner().invoke(application(), [command, *map(str, arguments)])
    if isinstance(done.exception, DomainBertError):
        error = f"{done.stderr}error: {done.exception}\n"
        return done.exception.exit_code, done.stdout, error
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr


def run_process(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "domainbert", "patents", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def examples(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_examples_of_a_weekly_file(made: Made, written: Write, tmp_path: Path) -> None:
    output = tmp_path / "train.jsonl"
    arguments = ("--part", "first-claim", "--level", "class")
    done = run_process(written(made["weekly"]), "-o", output, *arguments)
    # The application has IPC symbols only.
    counts = "2 examples; 1 patents without text or label"
    versions = "CPC versions: 2013.01 in 2 examples"
    left_out = "left out: 3 cancelled claims\n"
    assert done == (0, f"{output}: {counts}\n{versions}\n", left_out)
    assert examples(output)[0] == {
        "id": "US-9000001-B2",
        "date": "2015-04-07",
        "text": "A pump comprising: a valve; and a 2 mm seat.",
        "labels": ["F04", "Y10"],
        "scheme": "CPC",
        "versions": ["2013.01"],
    }


def test_dates_and_scheme(made: Made, written: Write, tmp_path: Path) -> None:
    output = tmp_path / "old.jsonl"
    done = run(
        written(made["weekly"]), "-o", output, "--dates", "2005-01-01:2005-12-31", "--scheme", "IPC"
    )
    assert (done[0], done[2]) == (0, "left out: 3 cancelled claims\n")
    assert [(e["id"], e["labels"], e["text"]) for e in examples(output)] == [
        ("US-20050099999-A1", ["A61B", "G06F"], "A clip.")
    ]


@pytest.mark.parametrize("command", ["patents", "patent-pairs"])
def test_the_command_says_what_dates_it_expects(
    made: Made, written: Write, tmp_path: Path, command: str
) -> None:
    arguments = (written(made["weekly"]), "-o", tmp_path / "a.jsonl", "--dates", "2015-13-01:")
    code, out, error = run(*arguments, command=command)
    assert (code, out) == (2, "")
    assert "expected YYYY-MM-DD:YYYY-MM-DD" in error
    assert [found.name for found in tmp_path.iterdir()] == ["a.xml"]


def test_dates_that_are_no_day_are_counted_and_shown(
    dated: Dated, written: Write, tmp_path: Path
) -> None:
    path = written(dated("2015-12-31", "2015-13-99", "2015-02-30"))
    code, out, error = run(path, "-o", tmp_path / "a.jsonl")
    assert (code, "3 examples" in out) == (0, True)
    assert error == "left out: 2 dates that are no day, the first '20151399' in US-9000002-B2\n"


@pytest.mark.parametrize("command", ["patents", "patent-pairs"])
def test_a_patent_that_occurs_again_is_one_example(
    made: Made, written: Write, tmp_path: Path, command: str
) -> None:
    first = written(made["grant"] + made["application"] + made["grant"], "a.xml")
    second = written(made["grant"].replace("valve", "flap"), "b.xml")
    output = tmp_path / "out.jsonl"
    arguments = (first, second, "-o", output, "--dates", "2010-01-01:")
    code, _, error = run(*arguments, command=command)
    assert (code, error) == (0, "left out: 2 patents that occur again\n")
    (line,) = output.read_text(encoding="utf-8").splitlines()
    assert (json.loads(line)["id"], "flap" in line) == ("US-9000001-B2", False)


def test_a_date_that_is_no_day_is_counted_and_in_no_split(
    dated: Dated, written: Write, tmp_path: Path
) -> None:
    path = written(dated("2015-12-31", "2016-13-99", "2017-01-03", "2016-01-05"))
    code, out, error = run(path, "-o", tmp_path / "claims", "--split", "2016,2017")
    assert code == 0
    assert "3 examples (train 1, validation 1, test 1)" in out
    assert "1 dates that are no day" in error
    assert "1 patents without a date" in error


@pytest.mark.parametrize(
    ("cut", "arguments", "said"),
    [
        (100, (), "record 4, at byte"),
        (0, ("--dates", "1990-01-01:1990-12-31"), "none of 0 patents has a text (abstract)"),
    ],
)
def test_nothing_is_written_after_an_error(
    made: Made, written: Write, tmp_path: Path, cut: int, arguments: tuple[str, ...], said: str
) -> None:
    path = written(made["weekly"][: len(made["weekly"]) - cut])
    code, out, error = run(path, "-o", tmp_path / "train.jsonl", *arguments)
    assert (code, out) == (2, "")
    assert said in error
    assert "Traceback" not in error
    assert [found.name for found in tmp_path.iterdir()] == ["a.xml"]


def test_a_file_that_exists_is_kept(made: Made, written: Write, tmp_path: Path) -> None:
    output = written("mine", "train.jsonl")
    code, _, error = run(written(made["grant"]), "-o", output)
    assert (code, output.read_text()) == (2, "mine")
    assert "exists already" in error


def test_a_split_by_year(dated: Dated, written: Write, tmp_path: Path) -> None:
    path = written(dated("2015-12-31", "2016-01-05", "2017-01-03", "2019-06-04", ""))
    out = tmp_path / "claims"
    done = run(path, "-o", out, "--split", "2016,2017", "--part", "claims", "--labels", "first")
    said = "4 examples (train 1, validation 1, test 2); 0 patents without text or label"
    assert done[:2] == (0, f"{out}: {said}\nCPC versions: 2013.01 in 5 examples\n")
    assert done[2] == "left out: 1 patents without a date\n"
    found = {file.stem: examples(file) for file in out.iterdir()}
    days = {name: [each["date"] for each in each_of] for name, each_of in found.items()}
    assert days == {
        "train": ["2015-12-31"], "validation": ["2016-01-05"], "test": ["2017-01-03", "2019-06-04"],
    }  # fmt: skip
    assert found["train"][0]["label"] == "F04B"
    assert str(found["train"][0]["text"]).split("\n")[1] == "The pump of claim 1, red."


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("2016", "expected where validation and test begin"),
        ("2017,2016", "expected where validation and test begin"),
        ("2015,2018", "as train has no example"),
        ("2016,2030", "as test has no example"),
    ],
)
def test_splits_that_cannot_be(
    dated: Dated, written: Write, tmp_path: Path, split: str, said: str
) -> None:
    path = written(dated("2015-12-31", "2016-01-05", "2017-01-03"))
    code, _, error = run(path, "-o", tmp_path / "claims", "--split", split)
    assert code == 2
    assert said in error
    assert [found.name for found in tmp_path.iterdir()] == ["a.xml"]


def test_the_head_of_the_description(made: Made, written: Write, tmp_path: Path) -> None:
    output = tmp_path / "a.jsonl"
    run(written(made["grant"]), "-o", output, "--part", "description", "--words", 4)
    assert examples(output)[0]["text"] == "BACKGROUND\nSee FIG. 1."


def test_symbols_of_another_version_are_left_out_and_counted(
    made: Made, written: Write, tmp_path: Path
) -> None:
    later = made["grant"].replace("<date>20130101</date>", "<date>20180801</date>", 1)
    output = tmp_path / "a.jsonl"
    code, out, error = run(written(later), "-o", output, "--scheme-version", "20130101")
    assert (code, error) == (0, "left out: 1 symbols of another version\n")
    assert "CPC versions: 2013.01 in 1 examples" in out
    assert examples(output)[0]["labels"] == ["Y10T"]
    code, _, error = run(written(later), "-o", tmp_path / "b.jsonl", "--scheme-version", "2020.01")
    assert code == 2
    assert (
        "none of 1 patents has a text (abstract) and a label (CPC subclass of version 2020.01)"
        in error
    )
    code, _, error = run(written(later), "-o", tmp_path / "b.jsonl", "--scheme-version", "newest")
    assert code == 2
    assert "--scheme-version newest: expected an edition of the IPC" in error


def test_malformed_symbols_are_left_out_and_counted(
    made: Made, written: Write, tmp_path: Path
) -> None:
    odd = made["grant"].replace("<section>Y</section>", "<section>Z</section>")
    output = tmp_path / "a.jsonl"
    code, _, error = run(written(odd), "-o", output)
    assert (code, examples(output)[0]["labels"]) == (0, ["F04B"])
    assert error == (
        "left out: 1 texts in place of a symbol, the first 'Z10T29/49' in US-9000001-B2\n"
    )


@pytest.mark.parametrize(
    ("sides", "query", "passage"),
    [
        ("title-claim", "Pump with a valve", "A pump comprising: a valve; and a 2 mm seat."),
        ("title-abstract", "Pump with a valve", "A pump of H2O\u201410."),
        (
            "abstract-claim",
            "A pump of H2O\u201410.",
            "A pump comprising: a valve; and a 2 mm seat.",
        ),
    ],
)
def test_pairs(
    made: Made, written: Write, tmp_path: Path, sides: str, query: str, passage: str
) -> None:
    output = tmp_path / "pairs.jsonl"
    text = made["grant"] + made["application"].replace("<p>A clip.</p>", "").replace(
        "<claim-text>4. A clip.</claim-text>", ""
    )
    done = run(written(text), "-o", output, "--sides", sides, command="patent-pairs")
    assert done[:2] == (0, f"{output}: 1 examples; 1 patents without both texts\n")
    assert done[2] == "left out: 3 cancelled claims\nleft out: 1 claims of only a number\n"
    assert examples(output) == [
        {
            "id": "US-9000001-B2", "date": "2015-04-07", "text": f"{query}\n{passage}",
            "query": query, "passage": passage,
        }
    ]  # fmt: skip


def test_pairs_by_year_are_a_task_of_retrieval(made: Made, written: Write, tmp_path: Path) -> None:
    grants = {year: made["grant"].replace("20150407", f"{year}0407") for year in (2015, 2016, 2017)}
    texts = {year: text.replace("9000001", f"900{year}") for year, text in grants.items()}
    weekly = written("".join(texts[year] for year in (2016, 2017)))
    output = tmp_path / "pairs"
    done = run(weekly, "-o", output, "--split", "2016,2017", command="patent-pairs")
    said = "2 examples (train 0, validation 1, test 1); 0 patents without both texts"
    assert done[:2] == (0, f"{output}: {said}\n")
    files = {split: f"pairs/{split}.jsonl" for split in ("train", "validation", "test")}
    section = TaskSection(name="claims", kind="retrieval", **files)
    with pytest.raises(DataError, match=r"validation.jsonl has one document alone"):
        load_task(section, None, tmp_path)
    more = texts[2017].replace("valve", "flap").replace("9002017", "9002018")
    other = texts[2016].replace("valve", "flap").replace("9002016", "9002019")
    weekly = written("".join([texts[2016], other, texts[2017], more]))
    assert run(weekly, "-o", output, "--split", "2016,2017", command="patent-pairs")[0] == 2
    assert run(weekly, "-o", tmp_path / "b", "--split", "2018,2019", command="patent-pairs")[0] == 2
    again = run(weekly, "-o", tmp_path / "c", "--split", "2016,2017", command="patent-pairs")
    assert again[0] == 0
    moved = {split: name.replace("pairs/", "c/") for split, name in files.items()}
    loaded = load_task(TaskSection(name="claims", kind="retrieval", **moved), None, tmp_path)
    assert [len(loaded.splits[split]) for split in files] == [0, 2, 2]


def test_the_probe_of_sentence_vectors_reads_pairs(
    made: Made, written: Write, tmp_path: Path
) -> None:
    long = made["grant"].replace("a valve; and", f"{'a valve and a seal, ' * 6} and")
    output = tmp_path / "pairs.jsonl"
    assert run(written(long), "-o", output, command="patent-pairs")[0] == 0
    (pair,) = examples(output)
    assert make_pairs([str(pair["text"])], 9) == [(pair["query"], pair["passage"])]
