"""A whole adaptation: its files, its numbers, and what of it is repeated."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import digests, held_out, metrics, times
from typer.testing import CliRunner

import domainbert.tasks.finetune
import domainbert.training.step
from domainbert.cli.app import app
from domainbert.corpus.steps.held_out import split_documents
from domainbert.corpus.store import open_store
from domainbert.run.folder import RunFolder
from domainbert.testing import sample_texts, tiny_checkpoint
from domainbert.training.data.order import SequenceKey

Adapt = Callable[..., Any]
TRIALS = [f"{model}-seed-{seed}" for model in ("adapted", "base") for seed in (0, 1)]
MakeTown = Callable[[], Any]


@dataclass(frozen=True)
class Finished:
    """A run that came to its end.

    Args:
        town: Where it started from.
        run: Its folder.
        output: What the command printed.
        read: Sequences of each training step.
    """

    town: Any
    run: RunFolder
    output: Any
    read: list[list[SequenceKey]]

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.output.out))


@pytest.fixture(scope="module")
def watched() -> Iterator[list[list[SequenceKey]]]:
    """What every training step of this module reads, as it happens."""
    read: list[list[SequenceKey]] = []
    plain = domainbert.training.step.masked_batch

    def watch(store: Any, keys: list[SequenceKey], *rest: Any) -> Any:
        read.append(keys)
        return plain(store, keys, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(domainbert.training.step, "masked_batch", watch)
        yield read


@pytest.fixture(scope="module")
def finished(make_town: MakeTown, adapt: Adapt, watched: list[list[SequenceKey]]) -> Finished:
    """A base with a head, adapted for 30 steps, which is more than two epochs."""
    town = make_town()
    output = adapt(town, town.write(steps=30), "--out", "run", "--json")
    return Finished(town, RunFolder(town.folder / "run"), output, list(watched))


def test_every_file_of_the_run_is_expected(finished: Finished) -> None:
    checkpoint = ["MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json"]
    expected = [".owner", "README.md", "lock.json", "metrics.jsonl", "recipe.yaml"]
    expected += [
        f"{name}/stage.json" for name in ("corpus", "held-out/base", "held-out/adapted", "pretrain")
    ]
    expected += [f"pretrain/checkpoints/step-000000{n}/{f}" for n in (25, 30) for f in checkpoint]
    expected += [f"corpus/store/{n}" for n in ("documents.arrow", "manifest.json", "tokens.arrow")]
    expected += ["model/config.json", "model/model.safetensors"]
    expected += ["model/tokenizer.json", "model/tokenizer_config.json"]
    expected += [
        f"results/town-names/{trial}.{kind}"
        for trial in (*TRIALS, "majority-type-seed-0")
        for kind in ("json", "jsonl")
    ]
    assert sorted(digests(finished.run.path)) == sorted(expected)


def test_the_model_loads_with_transformers_alone(finished: Finished) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    model, loading = AutoModelForMaskedLM.from_pretrained(
        finished.run.model, output_loading_info=True, local_files_only=True
    )
    assert not loading["missing_keys"] | loading["unexpected_keys"]
    tokenizer, base = (
        AutoTokenizer.from_pretrained(folder, local_files_only=True)
        for folder in (finished.run.model, finished.town.folder / "base")
    )
    texts = [*sample_texts(20), "Qz [MASK] [SEP] naïve"]
    assert tokenizer(texts)["input_ids"] == base(texts)["input_ids"]
    before = AutoModelForMaskedLM.from_pretrained(finished.town.folder / "base").state_dict()
    after = model.state_dict()
    changed = [name for name, value in after.items() if not torch.equal(value, before[name])]
    assert {"bert.embeddings.word_embeddings.weight", "cls.predictions.bias"} <= set(changed)
    assert {value.dtype for value in after.values()} == {torch.float32}


def test_card_json_and_files_have_the_same_numbers(finished: Finished) -> None:
    card, summary, run = finished.run.card.read_text("utf-8"), finished.summary, finished.run
    scores = held_out(run)
    bits = [scores[model]["bits_per_character"] for model in ("base", "adapted")]
    assert summary["bits_per_character"] == {"before": scores["base"], "after": scores["adapted"]}
    assert f"| bits per character | {bits[0]:.3f} | {bits[1]:.3f} |" in card
    base = (finished.town.folder / "base" / "model.safetensors").read_bytes()
    assert summary["base"]["sha256"] == hashlib.sha256(base).hexdigest()
    assert f"| weights of the base | sha256 {summary['base']['sha256']} |" in card
    assert f"| recipe | sha256 {summary['recipe']['sha256']} |" in card
    corpus = summary["corpus"]
    assert (
        f"| corpus | {corpus['documents']} documents, {corpus['tokens']:,} tokens, "
        f"{corpus['characters']:,} characters |"
    ) in card
    tokens = metrics(run)[-1]["tokens"]
    assert summary["training"] == {
        "steps": 30, "new_head": False, "tokens": tokens, "skipped": {},
    }  # fmt: skip
    assert f"| training | 30 steps of 4 sequences, {tokens:,} tokens" in card
    (task,) = summary["tasks"]
    for name, model in task["models"].items():
        mean, sd = model["f1_strict"]["mean"], model["f1_strict"]["sd"]
        spread = f" ± {100 * sd:.2f}" if len(model["f1_strict"]["values"]) > 1 else ""
        assert f"| {name} | {100 * mean:.2f}{spread} |" in card
        for seed, value in enumerate(model["f1_strict"]["values"]):
            path = run.results / "town-names" / f"{name}-seed-{seed}.json"
            assert json.loads(path.read_text(encoding="utf-8"))["test"]["f1_strict"] == value
    assert f": **{task['comparison']['verdict']}**." in card


def test_metrics_have_every_step_once_and_the_rates_of_the_schedule(finished: Finished) -> None:
    steps = metrics(finished.run)
    assert [(entry["step"], entry["phase"]) for entry in steps] == [
        (step, "full") for step in range(1, 31)
    ]
    # A warm-up of 6 % of 30 steps is two steps.
    expected = [0.5, 1.0, *((30 - step) / 28 for step in range(2, 30))]
    assert [entry["learning_rate"] / 1e-4 for entry in steps] == pytest.approx(expected)
    losses = [entry["loss"] for entry in steps]
    assert sum(losses[-5:]) < sum(losses[:5])
    before, after = held_out(finished.run)["base"], held_out(finished.run)["adapted"]
    assert after["bits_per_character"] < before["bits_per_character"]


def test_steps_read_the_training_slice_in_micro_batches_and_no_held_out_document(
    finished: Finished,
) -> None:
    split = split_documents(open_store(finished.run.corpus / "store"), 0.2)
    assert len(split.heldout_H) == held_out(finished.run)["base"]["documents"] == 8
    assert {key.document for keys in finished.read for key in keys} == set(split.train_T.tolist())
    assert [len(keys) for keys in finished.read] == [2] * 60
    first = Counter(key.sequence for keys in finished.read for key in keys if key.epoch == 0)
    assert first == Counter(range(len(first)))


@pytest.mark.parametrize("words", [("town.yaml", "--out", "run"), ("run",)])
def test_a_finished_run_is_left_as_it_is(
    finished: Finished, adapt: Adapt, watched: list[list[SequenceKey]], words: tuple[str, ...]
) -> None:
    run = finished.run.path
    before, written = digests(run), times(run)
    watched.clear()
    again = json.loads(adapt(finished.town, *words, "--json").out)
    assert digests(run) == before
    assert {n for n, at in times(run).items() if at != written[n]} == {".owner"}
    assert watched == []
    assert {**again, "hardware": None} == {**finished.summary, "hardware": None}


def test_without_json_the_summary_is_a_table_and_the_next_command(
    finished: Finished, adapt: Adapt
) -> None:
    output = adapt(finished.town, "run").out
    bits = [f"{score['bits_per_character']:.3f}" for score in held_out(finished.run).values()]
    rows = [line.split() for line in output.splitlines()]
    assert ["bits", "per", "character", bits[1], bits[0]] in rows
    assert output.splitlines()[-1] == "Next: domainbert evaluate run --seeds 5"


def test_the_lock_has_versions_and_no_path_but_the_recipes(finished: Finished) -> None:
    lock = json.loads(finished.run.lock.read_text(encoding="utf-8"))
    assert sorted(lock) == ["base", "corpus", "environment", "hardware", "recipe", "training"]
    versions = lock["environment"]["versions"]
    assert versions == {name: metadata.version(name) for name in versions}
    assert {"domainbert", "torch", "transformers", "tokenizers"} <= set(versions)
    assert lock["recipe"].pop("folder") == str(finished.town.folder)
    assert str(finished.town.folder) not in json.dumps(lock)


def test_a_signal_while_evaluating_keeps_the_finished_cells(
    make_town: MakeTown, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()
    recipe = town.write(steps=2)
    run = RunFolder(town.folder / "run")
    plain = domainbert.tasks.finetune.finetune
    started = []

    def interrupted(folder: Path, task: Any, settings: Any, seed: int, *rest: Any) -> Any:
        started.append((folder.name, seed))
        if len(started) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(folder, task, settings, seed, *rest)

    monkeypatch.setattr(domainbert.tasks.finetune, "finetune", interrupted)
    output = adapt(town, recipe, "--out", "run", code=75)
    assert output.err.endswith(
        "Stopped by SIGTERM; finished work is kept. Continue with: domainbert adapt run"
    )
    assert started == [("base", 0), ("model", 0), ("base", 1)]
    kept = times(run.results)
    assert {name.partition(".")[0] for name in kept} == {
        f"town-names/{trial}-seed-0" for trial in ("base", "adapted", "majority-type")
    }
    assert not run.card.exists()
    adapt(town, "run")
    assert started[3:] == [("base", 1), ("model", 1)]
    assert kept.items() <= times(run.results).items()
    assert run.card.exists()
    # An edited prediction is computed again, and no other.
    before, when = digests(run.results, "**/*.jsonl"), times(run.results)
    path = run.results / "town-names" / "base-seed-1.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    adapt(town, "run")
    rewritten = {name for name, at in times(run.results).items() if at != when[name]}
    assert rewritten == {"town-names/base-seed-1.json", "town-names/base-seed-1.jsonl"}
    assert digests(run.results, "**/*.jsonl") == before


def test_comparing_a_run_with_another_model_leaves_its_results_alone(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    town, run = finished.town, finished.run.path
    before = digests(run)
    other = tiny_checkpoint(town.folder / "other", "distilbert")
    for name, value in town.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(town.folder)
    done = CliRunner().invoke(app, ["evaluate", "run", "--seeds", "2", "--against", str(other)])
    assert done.exit_code == 0, done.output
    (folder,) = (town.folder / "evaluations").iterdir()
    assert folder.name.startswith("run-against-")
    made = json.loads((folder / "results/town-names/base-seed-0.json").read_text("utf-8"))
    assert made["model"]["base"] == "other"
    assert digests(run) == before
