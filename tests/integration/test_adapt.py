from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

import domainbert.run.folder
import domainbert.tasks.finetune
import domainbert.training.pretrain
import domainbert.training.step
from domainbert.cli.app import app
from domainbert.corpus.steps.held_out import heldout_texts, split_documents
from domainbert.corpus.store import open_store
from domainbert.errors import RunFolderError
from domainbert.model.load import find_base, load_masked_lm
from domainbert.run.folder import RunFolder
from domainbert.testing import sample_texts, tiny_checkpoint
from domainbert.training.data.order import SequenceKey
from domainbert.training.held_out import measure_held_out

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]


@dataclass(frozen=True)
class Finished:
    """A run that came to its end.

    Args:
        town: Where it started from.
        run: Its folder.
        told: What the command printed.
        read: Sequences of each training step.
    """

    town: Any
    run: RunFolder
    told: Any
    read: list[list[SequenceKey]]

    @property
    def summary(self) -> dict[str, Any]:
        return dict(json.loads(self.told.out))

    @property
    def steps(self) -> list[dict[str, Any]]:
        text = self.run.metrics.read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def watched() -> Iterator[list[list[SequenceKey]]]:
    """What every training step of this module reads, as it happens."""
    read: list[list[SequenceKey]] = []
    plain = domainbert.training.step.masked_batch

    def watch(store: Any, keys: list[SequenceKey], *rest: Any) -> Any:
        read.append(keys)
        return plain(store, keys, *rest)

    patch = pytest.MonkeyPatch()
    patch.setattr(domainbert.training.step, "masked_batch", watch)
    yield read
    patch.undo()


@pytest.fixture(scope="module")
def finished(make_town: MakeTown, adapt: Adapt, watched: list[list[SequenceKey]]) -> Finished:
    """A base with a head, adapted for 30 steps, which is more than two epochs."""
    town = make_town()
    recipe = town.write(steps=30)
    watched.clear()
    told = adapt(town, recipe, "--out", "run", "--json")
    return Finished(town, RunFolder(town.folder / "run"), told, list(watched))


@pytest.fixture(scope="module")
def headless(make_town: MakeTown, adapt: Adapt) -> Finished:
    """A base without a head, adapted for 4 steps of the head and 6 of everything."""
    town = make_town()
    recipe = town.write(with_head=False, steps=6)
    told = adapt(town, recipe, "--out", "run", "--json")
    return Finished(town, RunFolder(town.folder / "run"), told, [])


def contents(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def times(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: path.stat().st_mtime_ns for path in files}


def test_the_run_folder_holds_what_its_module_documents(finished: Finished) -> None:
    lines = (
        re.split(r"\s{2,}", line) for line in (domainbert.run.folder.__doc__ or "").splitlines()
    )
    documented = [name for parts in lines if len(parts) == 4 for name in parts[::2]]
    found = [
        path.name + ("/" if path.is_dir() else "")
        for path in finished.run.path.iterdir()
        if not path.name.startswith(".")
    ]
    assert sorted(found) == sorted(documented)


def test_every_file_of_the_run_is_expected(finished: Finished) -> None:
    checkpoint = ["MANIFEST.json", "model.safetensors", "optimizer.safetensors", "state.json"]
    expected = [".owner", "README.md", "lock.json", "metrics.jsonl", "recipe.yaml"]
    expected += [f"checkpoints/step-000000{n}/{name}" for n in (25, 30) for name in checkpoint]
    expected += [f"corpus/{n}" for n in ("documents.arrow", "manifest.json", "tokens.arrow")]
    expected += ["model/config.json", "model/model.safetensors"]
    expected += ["model/tokenizer.json", "model/tokenizer_config.json"]
    expected += ["results/bits-after.json", "results/bits-before.json"]
    expected += [
        f"results/town-names/{model}-seed-{seed}.{kind}"
        for model in ("adapted", "base")
        for seed in (0, 1)
        for kind in ("json", "jsonl")
    ]
    assert sorted(contents(finished.run.path)) == sorted(expected)


def test_the_model_loads_with_transformers_alone(finished: Finished) -> None:
    from transformers import AutoModelForMaskedLM, AutoTokenizer

    model, told = AutoModelForMaskedLM.from_pretrained(
        finished.run.model, output_loading_info=True, local_files_only=True
    )
    assert not told["missing_keys"] | told["unexpected_keys"]
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


def test_card_and_json_tell_the_same_numbers(finished: Finished) -> None:
    card, told = finished.run.card.read_text(encoding="utf-8"), finished.summary
    bits = [told["bits_per_character"][when] for when in ("before", "after")]
    assert (
        f"| bits per character | {bits[0]['bits_per_character']:.3f} "
        f"| {bits[1]['bits_per_character']:.3f} |"
    ) in card
    assert (
        f"| hidden tokens restored | {100 * bits[0]['accuracy']:.2f} % "
        f"| {100 * bits[1]['accuracy']:.2f} % |"
    ) in card
    assert f"| recipe | sha256 {told['recipe']['sha256']} |" in card
    assert f"| weights of the base | sha256 {told['base']['sha256']} |" in card
    corpus = told["corpus"]
    assert (
        f"| corpus | {corpus['documents']} documents, {corpus['tokens']:,} tokens, "
        f"{corpus['characters']:,} characters |"
    ) in card
    assert f"| training | 30 steps of 4 sequences, {told['training']['tokens']:,} tokens" in card
    (task,) = told["tasks"]
    for name, model in task["models"].items():
        cells = [
            f"{100 * model[metric]['mean']:.2f} ± {100 * model[metric]['sd']:.2f}"
            for metric in ("f1_strict", "f1_default")
        ]
        assert f"| {name} | {' | '.join(cells)} |" in card
    found = task["comparison"]
    assert (
        f"Adapted − base = {100 * found['difference']:+.2f} points, 95 % interval "
        f"{100 * found['low']:+.2f} to {100 * found['high']:+.2f}: **{found['verdict']}**."
    ) in card


def test_json_tells_what_the_files_hold(finished: Finished) -> None:
    told, run = finished.summary, finished.run
    for when in ("before", "after"):
        saved = json.loads((run.results / f"bits-{when}.json").read_text(encoding="utf-8"))
        assert told["bits_per_character"][when] == saved
    for name, model in told["tasks"][0]["models"].items():
        for seed, value in enumerate(model["f1_strict"]["values"]):
            path = run.results / "town-names" / f"{name}-seed-{seed}.json"
            assert json.loads(path.read_text(encoding="utf-8"))["test"]["f1_strict"] == value
    base = (finished.town.folder / "base" / "model.safetensors").read_bytes()
    assert told["base"]["sha256"] == hashlib.sha256(base).hexdigest()
    assert told["corpus"]["documents"] == 40
    assert told["training"] == {
        "steps": 30, "new_head": False, "tokens": finished.steps[-1]["tokens"],
        "skipped": {},
    }  # fmt: skip


def test_training_lowers_the_loss_and_the_bits(finished: Finished) -> None:
    bits = finished.summary["bits_per_character"]
    assert bits["after"]["bits_per_character"] < bits["before"]["bits_per_character"]
    assert bits["after"]["characters"] == bits["before"]["characters"]
    losses = [entry["loss"] for entry in finished.steps]
    assert sum(losses[-5:]) < sum(losses[:5])


def test_metrics_have_every_step_once(finished: Finished) -> None:
    assert [entry["step"] for entry in finished.steps] == list(range(1, 31))
    assert {entry["phase"] for entry in finished.steps} == {"full"}
    tokens = [entry["tokens"] for entry in finished.steps]
    assert tokens == sorted(set(tokens))


def test_learning_rates_are_those_of_the_schedule(finished: Finished) -> None:
    # A warm-up of 6 % of 30 steps is two steps.
    expected = [0.5, 1.0, *((30 - step) / 28 for step in range(2, 30))]
    found = [entry["learning_rate"] / 1e-4 for entry in finished.steps]
    assert found == pytest.approx(expected)


def test_held_out_documents_are_in_no_training_batch(finished: Finished) -> None:
    store = open_store(finished.run.corpus)
    split = split_documents(store, 0.2)
    assert len(split.heldout_H) == 8
    read = Counter(key.document for keys in finished.read for key in keys)
    assert set(read) == set(split.train_T.tolist())
    assert not set(read) & set(split.heldout_H.tolist())
    assert finished.summary["bits_per_character"]["before"]["documents"] == 8


def test_every_step_reads_its_batch_in_micro_batches(finished: Finished) -> None:
    assert [len(keys) for keys in finished.read] == [2] * 60
    epochs = Counter(key.epoch for keys in finished.read for key in keys)
    first = Counter(key.sequence for keys in finished.read for key in keys if key.epoch == 0)
    assert set(first.values()) == {1}
    assert sorted(first) == list(range(epochs[0]))


def test_running_the_same_command_again_changes_nothing(
    finished: Finished, adapt: Adapt, watched: list[list[SequenceKey]]
) -> None:
    run = finished.run
    before, written = contents(run.path), times(run.results)
    watched.clear()
    told = adapt(finished.town, "town.yaml", "--out", "run", "--json")
    assert contents(run.path) == before
    assert times(run.results) == written
    assert watched == []
    again = json.loads(told.out)
    assert {**again, "hardware": None} == {**finished.summary, "hardware": None}


def test_a_run_folder_is_continued_by_its_name(finished: Finished, adapt: Adapt) -> None:
    before = contents(finished.run.path)
    told = adapt(finished.town, "run", "--json")
    assert contents(finished.run.path) == before
    assert json.loads(told.out)["tasks"] == finished.summary["tasks"]


def test_another_recipe_is_refused_and_changes_nothing(finished: Finished, adapt: Adapt) -> None:
    before = contents(finished.run.path)
    told = adapt(finished.town, "town.yaml", "--out", "run", "--set", "train.steps=31", code=2)
    assert "error: run: holds another run (recipe 'town', " in told.err
    assert contents(finished.run.path) == before


def test_without_json_the_summary_is_a_table_and_the_next_command(
    finished: Finished, adapt: Adapt
) -> None:
    told = adapt(finished.town, "run")
    bits = finished.summary["bits_per_character"]
    before, after = (bits[when]["bits_per_character"] for when in ("before", "after"))
    rows = [line.split() for line in told.out.splitlines()]
    assert ["bits", "per", "character", f"{before:.3f}", f"{after:.3f}"] in rows
    assert told.out.splitlines()[-1] == "Next: domainbert evaluate run --seeds 5"


def test_the_lock_tells_versions_and_no_path_but_the_recipes(finished: Finished) -> None:
    lock = json.loads(finished.run.lock.read_text(encoding="utf-8"))
    assert sorted(lock) == ["base", "corpus", "environment", "hardware", "recipe", "training"]
    versions = lock["environment"]["versions"]
    assert versions == {name: metadata.version(name) for name in versions}
    assert {"domainbert", "torch", "transformers", "tokenizers"} <= set(versions)
    assert lock["recipe"].pop("folder") == str(finished.town.folder)
    assert str(finished.town.folder) not in json.dumps(lock)


def test_a_new_head_is_said_and_learns_first(headless: Finished) -> None:
    assert (
        "the base has no trained MLM head: a new one learns alone for 4 steps first"
    ) in headless.told.err
    assert headless.summary["training"]["new_head"] is True
    assert headless.summary["training"]["steps"] == 10
    phases = [(entry["step"], entry["phase"]) for entry in headless.steps]
    assert phases == [(n, "head" if n <= 4 else "full") for n in range(1, 11)]
    assert "A new one was trained alone for 4 steps" in headless.run.card.read_text("utf-8")


def test_before_is_measured_after_the_head_phase(
    headless: Finished, make_town: MakeTown, adapt: Adapt
) -> None:
    """The model after the head phase is the one of its checkpoint, all of it but the head new."""
    from safetensors.torch import load_file

    town = make_town()
    recipe = town.write(with_head=False, steps=6, save_steps=4, save_total_limit=9)
    adapt(town, recipe, "--out", "run")
    run = RunFolder(town.folder / "run")
    base = load_masked_lm(find_base("base", town.folder), seed=0)
    untouched = {name: value.clone() for name, value in base.model.named_parameters()}
    saved = load_file(run.checkpoints / "step-00000004" / "model.safetensors")
    changed = {n for n, value in untouched.items() if not torch.equal(value, saved[n])}
    assert changed == {name for name in saved if name.startswith("cls.")}
    with torch.no_grad():
        for name, parameter in base.model.named_parameters():
            parameter.copy_(saved[name])
    store = open_store(run.corpus)
    texts = heldout_texts(store, split_documents(store, 0.2), 50_000)
    found = measure_held_out(base.model, base.tokenizer, texts, 32, torch.device("cpu"))
    before = headless.summary["bits_per_character"]["before"]
    assert before["bits_per_character"] == pytest.approx(found.bits_per_character, rel=1e-6)
    assert before["bits_per_character"] != pytest.approx(
        headless.summary["bits_per_character"]["after"]["bits_per_character"], rel=1e-4
    )


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
    told = adapt(town, recipe, "--out", "run", code=75)
    assert told.err.endswith(
        "Stopped by SIGTERM; finished work is kept. Continue with: domainbert adapt run"
    )
    assert started == [("base", 0), ("model", 0), ("base", 1)]
    kept = times(run.results)
    assert sorted(kept) == [
        "adapted-seed-0.json", "adapted-seed-0.jsonl", "base-seed-0.json", "base-seed-0.jsonl",
        "bits-after.json", "bits-before.json",
    ]  # fmt: skip
    assert not run.card.exists()
    adapt(town, "run")
    assert started[3:] == [("base", 1), ("model", 1)]
    assert kept.items() <= times(run.results).items()
    assert run.card.exists()


def test_an_edited_prediction_is_computed_again_and_no_other(
    make_town: MakeTown, adapt: Adapt
) -> None:
    town = make_town()
    adapt(town, town.write(steps=2), "--out", "run")
    results = town.folder / "run" / "results" / "town-names"
    before, when = contents(results), times(results)
    path = results / "base-seed-1.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    adapt(town, "run")
    rewritten = {name for name, at in times(results).items() if at != when[name]}
    assert rewritten == {"base-seed-1.json", "base-seed-1.jsonl"}
    predictions = {name: digest for name, digest in before.items() if name.endswith(".jsonl")}
    assert predictions.items() <= contents(results).items()


def test_results_that_were_deleted_come_back_with_the_same_numbers(
    make_town: MakeTown, adapt: Adapt
) -> None:
    town = make_town()
    first = json.loads(adapt(town, town.write(steps=12), "--out", "run", "--json").out)
    shutil.rmtree(town.folder / "run" / "results")
    second = json.loads(adapt(town, "run", "--json").out)
    assert second["tasks"] == first["tasks"]
    assert second["bits_per_character"] == first["bits_per_character"]


def test_comparing_a_run_with_another_model_leaves_its_results_alone(
    make_town: MakeTown, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = make_town()
    adapt(town, town.write(steps=2), "--out", "run")
    before = contents(town.folder / "run")
    other = tiny_checkpoint(town.folder / "other", "distilbert")
    for name, value in town.variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(town.folder)
    words = ["evaluate", "run", "--seeds", "2", "--against", str(other)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (folder,) = (town.folder / "evaluations").iterdir()
    assert folder.name.startswith("run-against-")
    made = json.loads((folder / "results/town-names/base-seed-0.json").read_text("utf-8"))
    assert made["model"]["base"] == "other"
    assert contents(town.folder / "run") == before
    done = CliRunner().invoke(app, [*words, "--out", "run"])
    assert isinstance(done.exception, RunFolderError)
    assert "base-seed-0.json: is a result of another model" in str(done.exception)
    assert contents(town.folder / "run") == before
