"""What a user can get wrong: exit code 2, a message without traceback, nothing half-written."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

RECIPE = """\
name: mine
base: ./base
corpus:
  - path: corpus.txt
    text_unit: line
train:
  steps: 1
  batch_size: 2
  max_seq_length: 16
"""


@dataclass(frozen=True)
class Bench:
    """A folder with a recipe, a corpus and a tiny base, and a command line in it."""

    folder: Path
    cli: Callable[..., Any]
    snapshot: Callable[[Path], dict[str, str | None]]

    def recipe(self, text: str = RECIPE, **replaced: str) -> None:
        """Write the recipe, the line of a key replaced by another."""
        for key, line in replaced.items():
            (old,) = [found for found in text.splitlines() if found.strip(" -").startswith(key)]
            text = text.replace(old, line)
        (self.folder / "r.yaml").write_text(text, encoding="utf-8")

    def corpus(self, line: str, name: str = "", content: bytes = b"") -> None:
        """Let the recipe read another corpus."""
        if name:
            (self.folder / name).write_bytes(content)
        self.recipe(RECIPE.replace("- path: corpus.txt\n    text_unit: line", line))

    def refused(self, *words: object, out: str = "run") -> str:
        """Adapt; return the message after checking what every refusal has in common."""
        before = self.snapshot(self.folder)
        outcome = self.cli("adapt", *(words or ("r.yaml",)), "--out", out)
        assert outcome.code == 2, outcome.err
        assert outcome.out == ""
        assert "Traceback" not in outcome.err
        lines = outcome.err.splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith("error: "))
        assert self.snapshot(self.folder) == before
        return "\n".join(lines[start:]).removeprefix("error: ").replace(f"{self.folder}/", "")


@pytest.fixture
def bench(
    tmp_path: Path,
    tiny_base: Path,
    cli: Callable[..., Any],
    snapshot: Callable[[Path], dict[str, str | None]],
    fresh_accelerator: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Bench:
    folder = tmp_path / "bench"
    folder.mkdir()
    shutil.copytree(tiny_base, folder / "base")
    (folder / "corpus.txt").write_text("one text\nanother text\na third one\n")
    monkeypatch.chdir(folder)
    made = Bench(folder, cli, snapshot)
    made.recipe()
    return made


# --- which recipe ------------------------------------------------------------------------------


def test_unknown_domain(bench: Bench) -> None:
    assert bench.refused("--domain", "legal").startswith("Unknown domain 'legal'. Installed: ")
    bench.recipe(RECIPE + "domain: legal\n")
    assert "`pip install domainbert-legal`" in bench.refused()


NO_RECIPE = "no such recipe file or name."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["bio/quikstart"], f"bio/quikstart: {NO_RECIPE} Did you mean 'bio/quickstart'? See "),
        (["--json"], "Give a recipe or --domain, such as `domainbert adapt --domain bio`. See `"),
        (["r.yaml", "--domain", "bio"], "Give a recipe or --domain, not both; a recipe names its"),
    ],
)
def test_a_recipe_that_is_none(words: list[str], expected: str, bench: Bench) -> None:
    assert bench.refused(*words).startswith(expected)


# --- what is in the recipe ---------------------------------------------------------------------

ALIASES = 'a: &a ["x"]\nb: [*a, *a]\n'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (RECIPE + "heldout: {}\n", "r.yaml:10  heldout: unknown key. Did you mean 'held_out'?"),
        (RECIPE + "name: other\n", "r.yaml:10  name: duplicate key; first set on line 1."),
        (RECIPE + ALIASES, "r.yaml:10: anchors (&) and aliases (*) are not allowed; "),
        ("", "r.yaml: expected `key: value` lines at the top level, found nothing."),
        ("name: [", "r.yaml:1: not valid YAML: expected the node content, but found"),
        ("a: " + "[" * 5000, "r.yaml:1: nested more than 20 levels deep."),
    ],
    ids=["old", "duplicate", "aliases", "empty", "broken", "deep"],
)
def test_bad_recipe(text: str, expected: str, bench: Bench) -> None:
    bench.recipe(text)
    assert bench.refused().startswith(expected)


# --- the corpus --------------------------------------------------------------------------------


LINES = b'{"text": "one text"}\n{"text": "another text"}\n'


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", b"", "The corpus is empty ("),
        ("a.txt", b"one\ncaf\xe9\n", "a.txt:2:4: not UTF-8 (byte 0xe9). Convert the file"),
        ("a.jsonl", LINES + b"{bad\n", "a.jsonl:3: not valid JSON: Expecting property name"),
        ("a.jsonl.gz", gzip.compress(LINES)[:-9], "a.jsonl.gz: damaged or cut short after byte "),
        ("a.doc", b"one", "a.doc: no reader"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_corpus(name: str, content: bytes, expected: str, bench: Bench) -> None:
    bench.corpus(f"- path: {name}", name, content)
    assert bench.refused().startswith(expected)


def test_single_document(bench: Bench) -> None:
    bench.corpus("- path: corpus.txt")
    outcome = bench.cli("adapt", "r.yaml", "--out", "run")
    assert outcome.code == 2
    assert "Traceback" not in outcome.err
    assert outcome.err.splitlines()[-1] == (
        "error: The corpus has 1 document(s): too few to train on some and measure on others. If "
        "one file holds many texts, set `text_unit: paragraph` or `line`."
    )
    assert not (bench.folder / "run").exists()


# --- the base ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("./none", "base './none': no such folder, and not a hub id."),
        (f"{{source: ./base, sha256: {'a' * 64}}}", "base './base': model.safetensors has sha256 "),
    ],
)
def test_base_that_is_nowhere_or_another(source: str, expected: str, bench: Bench) -> None:
    bench.recipe(base=f"base: {source}")
    assert bench.refused().startswith(expected)


def test_base_that_cannot_be_loaded(bench: Bench) -> None:
    for path in (bench.folder / "base").glob("tokenizer*"):
        path.unlink()
    assert "tokenizer" in bench.refused()
    weights = bench.folder / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    assert bench.refused().startswith("base './base': model.safetensors is damaged: ")
    weights.rename(weights.with_name("pytorch_model.bin"))
    assert bench.refused().startswith("base './base': only pytorch_model.bin and no .safetensors. ")


# --- the run folder ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("corpus.txt", "corpus.txt: is a file. Name a folder with --out."),
        ("corpus.txt/run", "corpus.txt/run: "),
        ("base", "base: exists and is not a run folder. Name another with --out."),
    ],
)
def test_folder_that_is_no_run(out: str, expected: str, bench: Bench) -> None:
    assert bench.refused(out=out).startswith(expected)


@pytest.mark.parametrize("words", [("r.yaml",), ("run",)], ids=["start", "continue"])
def test_folder_with_a_damaged_lock(words: tuple[str, ...], bench: Bench) -> None:
    (bench.folder / "run").mkdir()
    (bench.folder / "run" / "lock.json").write_text('{"recipe": {}}')
    assert bench.refused(*words).startswith("run: lock.json is damaged.")


# --- evaluating --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("./none", "--domain", "bio", "--task", "sample-disease"),
            "base './none': no such folder",
        ),
        (("./base",), "No task to evaluate on: name one with --domain and --task."),
        (("./base", "--task", "sample-disease"), "--task names a task of a domain: add --domain."),
    ],
)
def test_bad_evaluation(words: tuple[str, ...], expected: str, bench: Bench) -> None:
    before = bench.snapshot(bench.folder)
    outcome = bench.cli("evaluate", *words, "--out", "results")
    assert (outcome.code, outcome.out) == (2, "")
    assert "Traceback" not in outcome.err
    assert f"error: {expected}" in outcome.err
    assert bench.snapshot(bench.folder) == before
