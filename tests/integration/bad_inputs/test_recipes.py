"""Every key of a recipe refuses what it cannot mean, with file, line and key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.bad_inputs import Case, set_keys

pytestmark = pytest.mark.slow

VALIDATE = "recipes validate town.yaml"
HUGE = "9" * 400
COUNTS = (
    "train.steps", "train.batch_size", "train.micro_batch_size", "train.save_steps",
    "train.logging_steps", "evaluate.epochs", "evaluate.batch_size", "held_out.max_tokens",
    "evaluate.min_steps", "evaluate.steps",
)  # fmt: skip
FROM_ZERO = ("train.head_steps", "train.freeze_layers", "train.max_rollbacks", "train.seed")
BUDGETS = ("blend.budget",)
SHARES = (
    "held_out.fraction", "train.mlm_probability", "train.learning_rate", "train.warmup_ratio",
    "train.weight_decay", "train.dropout", "train.layerwise_lr_decay", "train.term_share",
    "train.decay", "evaluate.learning_rate", "evaluate.warmup_ratio", "blend.choose",
)  # fmt: skip
SWITCHES = (
    "train.freeze_embeddings", "train.gradient_checkpointing", "train.torch_compile",
    "evaluate.baselines",
)  # fmt: skip
WORDS = (
    "name", "domain", "train.masking", "train.lr_scheduler", "train.precision", "train.unfreeze",
    "train.sentence_pairs", "evaluate.long_texts", "evaluate.unfreeze",
    "blend.average",
)  # fmt: skip
TUPLES = ("evaluate.seeds", "train.adam_betas", "corpus_steps", "train.trackers", "blend.points")


def key_cases() -> Iterator[Case]:
    """Values of the wrong type or size, as YAML text, per kind of key."""
    kinds = (
        (COUNTS, ("0", "-1", "010", "0x10", "1:30", "yes", "1.5", "two", "[1]", "{a: 1}", ".inf",
                  ".nan", HUGE, "null", "1_000", "1e3")),
        (FROM_ZERO, ("-1", "010", "1:30", "on", "1.5", "two", "[1]", ".nan", HUGE)),
        (BUDGETS, ("-1", "yes", "1:30", "much", "[1]", ".inf", ".nan", "null")),
        (SHARES, ("-1", "2", "yes", "1:30", "010", "half", "[0.5]", ".inf", ".nan", "-.inf", HUGE)),
        (SWITCHES, ("2", "maybe", "[true]", "{a: 1}", "null", "0.5")),
        (WORDS, ("yes", "1", "1.5", "[a]", "{a: b}", "nope!", '""', '"a\\u0000b"', "2020-01-01")),
        (TUPLES, ("3", "yes", "{a: 1}", "[yes, no]", "[[0]]", "[null]", '"0, 1"')),
    )  # fmt: skip
    for keys, values in kinds:
        for key in keys:
            for value in values:
                if (key, value) in HARMLESS:
                    continue
                yield Case(f"{key}: {value[:20]}", written(key, value), key, VALIDATE)


HARMLESS = {
    ("domain", "null"), ("train.steps", "null"), ("evaluate.steps", "null"),
    ("name", "yes"), ("name", "2020-01-01"), ("corpus_steps", "[yes, no]"),
}  # fmt: skip


def written(key: str, value: str) -> Callable[[Path], None]:
    """Return a change that writes `key: value` as YAML text."""

    def change(folder: Path) -> None:
        *above, last = key.split(".")
        set_keys(**{"__".join([*above, last]): "PLACE"})(folder)
        path = folder / "town.yaml"
        text = path.read_text(encoding="utf-8").replace("PLACE", value)
        path.write_text(text, encoding="utf-8")

    return change


def text_cases() -> Iterator[Case]:
    """Texts that are no recipe."""
    texts: dict[str, bytes] = {
        "empty": b"", "blank": b"\n\n", "a comment": b"# nothing\n", "a list": b"- a\n",
        "a word": b"word\n", "a tab": b"train:\n\tsteps: 3\n", "NUL": b"name: a\0b\n",
        "Latin-1": b"title: caf\xe9\n", "UTF-16": "name: a\n".encode("utf-16"),
        "two documents": b"name: a\n---\nname: b\n", "an anchor": b"a: &a [1]\nb: *a\n",
        "a merge": b"<<: {a: 1}\n", "a tag": b"name: !!python/object:os.system x\n",
        "another tag": b"name: !mine x\n", "a key twice": b"name: a\nname: b\n",
        "an open quote": b'name: "a\n', "an open list": b"corpus: [\n",
        "a list as key": b"? [a]\n: b\n",
        "deep lists": b"corpus: " + b"[" * 200 + b"]" * 200 + b"\n",
        "very deep lists": b"corpus: " + b"[" * 100_000 + b"\n",
        "a long line": b"title: " + b"a" * (1 << 20) + b"\n",
        "a long list": b"corpus: [" + b"a," * 500_000 + b"]\n",
        "a long integer": b"train: {steps: " + b"9" * 5000 + b"}\n",
        "a directive": b"%YAML 3.0\n---\nname: a\n", "an unfinished escape": b'title: "\\u12"\n',
        "half a character": b'title: "\\ud800"\n', "binary": bytes(range(256)) * 20,
        "a bomb": b"a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "JSON cut": b'{"name": "a", ',
        "a python file": b"import os\nname = 3\n", "HTML": b"<html><body>x</body></html>\n",
    }  # fmt: skip
    for what, raw in texts.items():
        yield Case(what, replaced(raw), "town.yaml", VALIDATE)
    yield Case("6 GB of nothing", sparse, "town.yaml", VALIDATE)
    yield Case("a folder", folder_instead, "town.yaml", VALIDATE)


def replaced(raw: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / "town.yaml").write_bytes(raw)


def sparse(folder: Path) -> None:
    with (folder / "town.yaml").open("wb") as stream:
        stream.truncate(6 << 30)


def folder_instead(folder: Path) -> None:
    (folder / "town.yaml").unlink()
    (folder / "town.yaml").mkdir()


def whole_cases() -> Iterator[Case]:
    """Sections that do not fit together, unknown keys and names."""
    for key in ("steps", "step", "trian", "Name", "learning_rate", "base.path", "train.epoch",
                "train.lr", "train.packing", "evaluate.seed", "held_out.size",
                "heldout"):  # fmt: skip
        yield Case(f"unknown {key}", set_keys(**{key.replace(".", "__"): 1}), "town.yaml", VALIDATE)
    changes: dict[str, tuple[dict[str, Any], str]] = {
        "no name": ({"name": None}, "name"), "no base": ({"base": None}, "base"),
        "no corpus": ({"corpus": []}, "corpus"), "two budgets": ({"train__tokens": 9}, "train"),
        "seeds twice": ({"evaluate__seeds": [1, 1]}, "evaluate.seeds"),
        "no seeds": ({"evaluate__seeds": []}, "evaluate.seeds"),
        "a task twice": ({"tasks": ["a", "a"]}, "tasks"),
        "half a task": ({"tasks": [{"name": "a", "kind": "tagging", "train": "x"}]}, "tasks.0"),
        "no such kind": ({"tasks": [kind("poetry")]}, "poetry"),
        "a kind of other case": ({"tasks": [kind("Tagging")]}, "tagging"),
        "no such metric": ({"tasks": [kind("tagging", metrics=["nope"])]}, "nope"),
        "no such baseline": ({"tasks": [kind("tagging", baselines=["nope"])]}, "nope"),
        "no such step": ({"corpus_steps": ["normalize"]}, "normalise"),
        "no such objective": ({"train__objectives": ["masked-lm", "nope"]}, "nope"),
        "objectives without masked LM": ({"train__objectives": ["nope"]}, "masked-lm"),
        "no such domain": ({"domain": "bioo"}, "bioo"),
        "a ramp that does not divide": ({"train__batch_ramp": {"start": 3, "steps": 2}},
        "batch_ramp"),
        "wsd beyond the steps": (
            {"train__lr_scheduler": "wsd", "train__warmup_ratio": 0.9, "train__decay": 0.5}, "decay"
        ),
        "vocabulary of two budgets": ({"vocabulary": {"size": 3, "min_gain": 2}}, "vocabulary"),
        "vocabulary of none": ({"vocabulary": {}}, "vocabulary"),
        "term masking without terms": ({"train__masking": "term"}, "term"),
        "a corpus path and file": ({"corpus": [{"path": "a", "file": {}}]}, "corpus.0"),
        "a corpus without source": ({"corpus": [{"text_unit": "line"}]}, "corpus.0"),
        "a hash too short": ({"base": {"source": "./base", "sha256": "ab"}}, "base.sha256"),
        "a revision of a folder": ({"base": {"source": "./base", "revision": "main"}}, "revision"),
        "too long for the base": ({"train__max_seq_length": 4096}, "max_seq_length"),
        "too long for the tasks": ({"evaluate__max_seq_length": 4096}, "max_seq_length"),
        "more layers than there are": ({"train__freeze_layers": 99}, "freeze_layers"),
    }  # fmt: skip
    for what, (values, said) in changes.items():
        yield Case(what, set_keys(**values), said)


def kind(name: str, **more: Any) -> dict[str, Any]:
    files = {split: f"{split}.tsv" for split in ("train", "validation", "test")}
    return {"name": "a", "kind": name, **files, **more}


def setting_cases() -> Iterator[Case]:
    """Words behind `--set` and `--budget`."""
    for words in (
        "--set steps", "--set =3", "--set train.steps=", "--set train.steps=no", "--set a.b.c=1",
        "--set train.steps.more=1", "--set corpus.9.path=a", "--set corpus.x.path=a",
        "--set train.steps=[", "--set train.steps=&a", "--set train.steps=010",
        "--set train.steps=" + "9" * 5000, "--set " + "a." * 3000 + "b=1", "--set base.x=1",
        "--set evaluate.seeds=3", "--set tasks=nope", "--set train={}", "--set =",
        "--set train.steps=3,train.seed=4", "--set .=1", "--set ..=1", "--set train..steps=3",
        "--budget x", "--budget 3", "--budget 0epochs", "--budget -3M", "--budget 1e400M",
        "--budget 3parsecs", "--until nothing", "--processes 0", "--processes -1", "--processes x",
        "--device moon", "--nope", "--out", "more words here",
    ):  # fmt: skip
        yield Case(words[:40], lambda folder: None, "", f"adapt town.yaml --out run {words}")


def message_cases() -> Iterator[Case]:
    """What is said, word for word."""
    for words, said in (
        ("town.yaml --domain bio", "Give a recipe or --domain, not both; a recipe names its"),
        ("--json", "Give a recipe or --domain, such as `domainbert adapt --domain bio`. See `"),
        ("tawn.yaml", "tawn.yaml: no such recipe file or name."),
        ("--domain botany", "Unknown domain 'botany'. Installed: none. Install a plugin that"),
        ("town.yaml --out letters.txt", "letters.txt: is a file. Name a folder with --out."),
        ("town.yaml --out base", "base: exists and is not a run folder. Name another with --out."),
        ("town.yaml --out run --set heldout.x=1", "unknown key. Did you mean 'held_out'?"),
    ):
        yield Case(words, lambda folder: None, said, f"adapt {words}")


@pytest.mark.parametrize(
    "family", [key_cases, text_cases, whole_cases, setting_cases, message_cases]
)
def test_recipes(family: Callable[[], Iterator[Case]], check: Callable[..., None]) -> None:
    check(family())
