"""A whole adaptation: its files, its numbers, and what of it is repeated."""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
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


def test_a_signal_while_evaluating_keeps_the_finished_cells(
    make_town: MakeTown, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()
    recipe = town.write(steps=2)
    run = RunFolder(town.folder / "run")
    plain = domainbert.tasks.finetune.finetune
    started = []

    def interrupted(candidate: Any, seed: int, bar: Any) -> Any:
        started.append(seed)
        if len(started) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return plain(candidate, seed, bar)

    monkeypatch.setattr(domainbert.tasks.finetune, "finetune", interrupted)
    # A model whose result was edited would be made again, too.
    settings = "--set", "evaluate.keep=none"
    output = adapt(town, recipe, "--out", "run", *settings, code=75)
    assert output.err.endswith(
        "Stopped by SIGTERM; finished work is kept. Continue with: domainbert adapt run"
    )
    assert started == [0, 1, 0]
    kept = times(run.results)
    assert {name.partition(".")[0] for name in kept} == {
        f"town-names/{trial}" for trial in ("base-seed-0", "base-seed-1", "majority-type-seed-0")
    }
    assert not run.card.exists()
    adapt(town, "run")
    assert started[3:] == [0, 1]
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
