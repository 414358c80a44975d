"""After a change a run repeats what depends on it, keeps the rest, and refuses to lose hours."""

from __future__ import annotations

import re
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from helpers.runs import cut, digests, flip, numbers, times
from helpers.town import HELD_OUT, task

import domainbert.run.folder
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.lora import LoraSection
from domainbert.recipe.resolve import resolve_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.train import BatchRamp, TrainSection
from domainbert.recipe.yaml import read_yaml
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session, open_session
from domainbert.run.stage import Stage
from domainbert.stages.corpus import build_corpus
from domainbert.stages.inputs import Inputs, locate
from domainbert.stages.plan import (
    NOT_OF_HEAD,
    NOT_OF_WEIGHTS,
    Stages,
    plan_stages,
    section_facts,
)

Adapt = Callable[..., Any]
# The lock names the recipe; the card has its hash; a run that is opened has an owner.
OF_RECIPE = {"recipe.yaml", "lock.json", "README.md", ".owner"}
TRAIN = {"steps": 4, "head_steps": 2, "save_steps": 2, "dropout": 0.1}


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any]) -> Any:
    """A recipe that needs every stage."""
    made = make_town()
    evaluate = {"seeds": [0], "epochs": 1, "min_steps": 1, "batch_size": 4, "max_seq_length": 16}
    sections = {"vocabulary": {"size": 3}, "evaluate": evaluate}
    made.write(with_head=False, animals=True, sections=sections, **TRAIN)
    return made


@pytest.fixture(scope="module")
def whole(town: Any, adapt: Adapt) -> RunFolder:
    adapt(town, "town.yaml", "--out", "whole")
    return RunFolder(town.folder / "whole")


@dataclass(frozen=True)
class Plan:
    """What stages are planned from.

    Args:
        recipe: Of the run `whole`.
        inputs: What it refers to.
        session: In the run folder.
    """

    recipe: Recipe
    inputs: Inputs
    session: Session

    def keys(self, **sections: Any) -> dict[str, str]:
        """Return the key of each stage of a recipe with other sections."""
        return keys(self.recipe.model_copy(update=sections), self.inputs, self.session.run)


def keys(recipe: Recipe, inputs: Inputs, run: RunFolder) -> dict[str, str]:
    planned: Stages = plan_stages(recipe, inputs, run)
    return {name: stage.key for name, stage in vars(planned).items() if isinstance(stage, Stage)}


@pytest.fixture(scope="module")
def plan(town: Any, whole: RunFolder) -> Iterator[Plan]:
    recipe = resolve_recipe(read_yaml(town.folder / "town.yaml"))[0]
    with open_session(whole.path, Reporter(enabled=False)) as session:
        yield Plan(recipe, locate(recipe, town.folder, load_plugins(()), session), session)


def copy(whole: RunFolder, name: str) -> RunFolder:
    run = RunFolder(whole.path.with_name(re.sub(r"\W", "-", name)))
    shutil.rmtree(run.path, ignore_errors=True)
    shutil.copytree(whole.path, run.path)
    return run


def written(before: dict[str, int], run: RunFolder) -> set[str]:
    return {name for name, at in times(run.path).items() if before.get(name) != at}


def without_kept(names: Iterable[str]) -> set[str]:
    """Return names without those of fine-tuned models, which follow the results."""
    return {name for name in names if not name.startswith("tasks/")}


def test_the_run_folder_holds_what_its_module_documents(whole: RunFolder) -> None:
    lines = (
        re.split(r"\s{2,}", line) for line in (domainbert.run.folder.__doc__ or "").split("\n")
    )
    documented = [name for parts in lines if len(parts) in {2, 4} for name in parts[::2]]
    paths = [path for path in whole.path.iterdir() if not path.name.startswith(".")]
    assert sorted(path.name + "/" * path.is_dir() for path in paths) == sorted(documented)


SECOND = [task("town-names", "tagging"), task("again", "tagging")]
FIXED = {f"town-names/majority-type-seed-0.{kind}" for kind in ("json", "jsonl")}
CELLS = {f"town-names/{m}-seed-0.{kind}" for m in ("base", "adapted") for kind in ("json", "jsonl")}


@pytest.mark.parametrize(
    ("change", "below", "files"),
    [
        ("title=Better", "", set()),
        ("evaluate.epochs=2", "results", CELLS),
        ("evaluate.seeds=[0, 1]", "results", {f.replace("0", "1") for f in CELLS}),
        (f"tasks={SECOND}", "results", {f.replace("town-names", "again") for f in CELLS | FIXED}),
        (f"{HELD_OUT}.max_tokens=20", "held-out", {"base/stage.json", "adapted/stage.json"}),
    ],
)
def test_what_pretraining_does_not_read_keeps_it(
    town: Any, whole: RunFolder, adapt: Adapt, change: str, below: str, files: set[str]
) -> None:
    run = copy(whole, change.partition("=")[0])
    before, content = times(run.path), digests(run.path)
    adapt(town, run.path.name, "--set", change)
    expected = OF_RECIPE | {f"{below}/{name}" for name in files}
    assert without_kept(written(before, run)) == expected
    kept = without_kept(content.keys() - expected)
    after = digests(run.path)
    assert {name: after[name] for name in kept} == {name: content[name] for name in kept}


OTHER = {
    "method": "lora",
    "lora": LoraSection(),
    "masking": "word", "mlm_probability": 0.3, "sentence_pairs": "next", "lr_scheduler": "cosine",
    "unfreeze": "gradual", "precision": "auto", "trackers": ("wandb",), "adam_betas": (0.8, 0.9),
    "spike": 9.0, "batch_ramp": BatchRamp(start=2, steps=3), "epochs": 1.0, "tokens": 50,
    "minutes": 2.0, "objectives": {"other": 0.5},
}  # fmt: skip


@pytest.mark.parametrize("key", TrainSection.model_fields)
def test_each_key_of_train_changes_the_stages_that_read_it(plan: Plan, key: str) -> None:
    value = getattr(plan.recipe.train, key)
    other = not value if isinstance(value, bool) else OTHER.get(key) or value + 1
    before = plan.keys()
    after = plan.keys(train=plan.recipe.train.model_copy(update={key: other}))
    changed = {name for name in before if before[name] != after[name]}
    expected = {"head", "pretrain", "base_score", "adapted_score", "blend"}
    if key in NOT_OF_HEAD:
        expected = {"pretrain", "adapted_score", "blend"}
    assert changed == (set() if key in NOT_OF_WEIGHTS else expected)


def test_nothing_of_evaluate_changes_a_key(plan: Plan) -> None:
    other = EvaluateSection(
        seeds=(5,), epochs=9, min_steps=3, steps=7, batch_size=3, learning_rate=0.01,
        warmup_ratio=0.5, layerwise_lr_decay=0.5, unfreeze="gradual", max_seq_length=99,
        long_texts="window", baselines=False, pooling="head", keep="none", epoch="best",
            patience=2, class_weights="balanced",
    )  # fmt: skip
    other = other.model_copy(update={"method": "lora", "lora": LoraSection(), "grid": True})
    before = plan.recipe.evaluate
    assert not [n for n in EvaluateSection.model_fields if getattr(before, n) == getattr(other, n)]
    assert plan.keys(title="Better", name="other", tasks=(), evaluate=other) == plan.keys()


def test_a_key_that_is_new_is_no_fact_at_its_default() -> None:
    class Newer(TrainSection):
        """The section of a later version."""

        brand_new: int = 3

    old, new = TrainSection(steps=4, dropout=0.1), Newer(steps=4, dropout=0.1)
    assert section_facts(new) == section_facts(old) == {"steps": 4, "dropout": 0.1}
    assert section_facts(Newer(steps=4, brand_new=4)) == {"steps": 4, "brand_new": 4}


FOLDERS = {
    "corpus": set(),
    "vocabulary": set(),
    "head": {"metrics.jsonl"},
    "pretrain": {"metrics.jsonl", "adapted"},
    "held-out": set(),
    "adapted": {"metrics.jsonl", "pretrain"},
    "blend": {"model"},
    "model": {"blend"},
    "results": {"tasks"},
    "tasks": {"results"},
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_that_was_deleted_comes_back_with_the_same_bits(
    town: Any, whole: RunFolder, adapt: Adapt, name: str
) -> None:
    run = copy(whole, f"without {name}")
    shutil.rmtree(run.path / name)
    before = times(run.path)
    adapt(town, run.path.name)
    assert numbers(run) == numbers(whole)
    places = {path.split("/")[0] for path in written(before, run)}
    assert name in places
    assert places <= {name, *FOLDERS[name]} | OF_RECIPE
    assert digests(run.path).keys() == digests(whole.path).keys()


@pytest.mark.parametrize("name", ["corpus", "vocabulary", "head", "pretrain", "held-out/base"])
def test_a_folder_that_was_half_written_is_finished_with_the_same_bits(
    town: Any, whole: RunFolder, adapt: Adapt, name: str
) -> None:
    run = copy(whole, f"half of {name}")
    folder = run.path / name
    (folder / "stage.json").unlink()
    rest = folder.with_name(f".{folder.name}.4711.tmp")
    rest.mkdir()
    (rest / "half.txt").touch()
    adapt(town, run.path.name)
    assert numbers(run) == numbers(whole)
    assert digests(run.path).keys() == digests(whole.path).keys()


def edit(file: str, before: bytes, after: bytes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / file).read_bytes()
        assert before in content
        (folder / file).write_bytes(content.replace(before, after, 1))

    return change


def flip_weight(folder: Path) -> None:
    path = folder / "base" / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-20] ^= 1
    path.write_bytes(content)


def same(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("change", "words", "stage", "what"),
    [
        (edit("letters.txt", b"the", b"tho"), (), "corpus", r"files\.0 letters\.txt: '\w+' → '"),
        (edit("base/tokenizer.json", b'"them": ', b'"theme": '), (), "corpus", "tokenizer: '"),
        (edit("base/config.json", b'"gelu"', b'"relu"'), (), "head", r"base\.config\.json: '"),
        (flip_weight, (), "head", r"base\.weights: '\w+' → '\w+'\. "),
        (same, ("train.steps=5",), "pretrain", r"train\.steps: 4 → 5\. "),
        (
            same, ("train.weight_decay=0.1", "train.dropout=0"), "head",
            r"train\.dropout: 0\.1 → None, train\.weight_decay: None → 0\.1\. ",
        ),
        (same, (f"{HELD_OUT}.fraction=0.3",), "corpus", r"held_out: 0\.2 → 0\.3\. "),
    ],
)  # fmt: skip
def test_other_inputs_are_refused_by_stage_and_name(
    town: Any, whole: RunFolder, adapt: Adapt, change: Callable[[Path], None],
    words: tuple[str, ...], stage: str, what: str,
) -> None:  # fmt: skip
    folder = town.folder.with_name("changed")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(town.folder, folder, ignore=lambda _, names: {*names} - KEPT)
    for name in ("whole", "base"):
        shutil.copytree(town.folder / name, folder / name, dirs_exist_ok=True)
    change(folder)
    before = digests(folder)
    options = [word for given in words for word in ("--set", given)]
    place = replace(town, folder=folder)
    err = adapt(place, "town.yaml", "--out", "whole", *options, code=2).err
    said = f"error: whole/{stage}: stage '{stage}' was made from something else: {what}"
    assert re.search(said, err), err
    assert err.endswith(
        f"Restore it, delete the folder whole/{stage} to redo the stage, or name another "
        "with --out."
    )
    assert digests(folder) == before


KEPT = {"letters.txt", "town.yaml", "train.tsv", "validation.tsv", "test.tsv"}


def test_other_terms_change_the_vocabulary_and_what_is_trained_on_it(plan: Plan) -> None:
    other = replace(plan.inputs, terms=("heron",))
    before, after = plan.keys(), keys(plan.recipe, other, plan.session.run)
    assert {name for name in before if before[name] != after[name]} == {
        "vocabulary", "pretrain", "adapted_score", "blend",
    }  # fmt: skip


def test_a_stage_of_another_run_is_not_taken_for_ones_own(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    adapt(town, "town.yaml", "--set", "train.seed=1", "--out", "other", "--until", "pretrain")
    run = copy(whole, "mixed")
    shutil.rmtree(run.path / "pretrain")
    shutil.copytree(town.folder / "other" / "pretrain", run.path / "pretrain")
    err = adapt(town, "mixed", code=2).err
    assert "stage 'pretrain' was made from something else: base.head: '" in err
    (run.path / "pretrain" / "stage.json").unlink()
    assert "this checkpoint belongs to another stage" in adapt(town, "mixed", code=2).err
    shutil.rmtree(run.path / "pretrain")
    # Scores are measured again rather than refused.
    shutil.rmtree(run.path / "held-out" / "base")
    shutil.copytree(run.path / "held-out" / "adapted", run.path / "held-out" / "base")
    adapt(town, "mixed")
    assert numbers(run) == numbers(whole)


@pytest.mark.slow
def test_a_run_in_parts_has_the_bits_of_one_in_one_go(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    done = []
    for last in ("corpus", "vocabulary", "pretrain"):
        output = adapt(town, "town.yaml", "--out", "parts", "--until", last).out
        assert output == f"Stage {last} is done.\nNext: domainbert adapt parts\n"
        folders = {path.name for path in (town.folder / "parts").glob("*/")}
        done.append(sorted(name for name in folders if not name.startswith(".")))
    assert done == [
        ["corpus"], ["corpus", "vocabulary"],
        ["adapted", "corpus", "head", "pretrain", "vocabulary"],
    ]  # fmt: skip
    adapt(town, "parts")
    assert numbers(RunFolder(town.folder / "parts")) == numbers(whole)


def test_another_rank_waits_for_the_first_without_a_collective_operation(
    plan: Plan, whole: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "1")
    stage = replace(plan_stages(plan.recipe, plan.inputs, whole).corpus, folder=tmp_path / "corpus")
    assert plan.session.accelerator is None
    seconds = 1.2
    rank_0 = threading.Timer(seconds, shutil.copytree, (whole.corpus, stage.folder))
    started = time.monotonic()
    rank_0.start()
    store, split = build_corpus(stage, plan.inputs, plan.session)
    assert time.monotonic() - started >= seconds
    assert len(split.train_T) + len(split.heldout_H) == store.manifest["documents"]


@pytest.mark.slow
def test_without_a_limit_of_checkpoints_the_model_stays_alone(
    town: Any, whole: RunFolder, adapt: Adapt
) -> None:
    adapt(town, "town.yaml", "--out", "lean", "--set", "train.save_total_limit=0")
    lean = RunFolder(town.folder / "lean")
    assert list(lean.path.glob("*/checkpoints")) == []
    assert numbers(lean) == numbers(whole)
    # A finished run is pruned by the same key.
    shutil.copytree(whole.path, town.folder / "pruned")
    adapt(town, "pruned", "--set", "train.save_total_limit=0")
    assert list((town.folder / "pruned").glob("*/checkpoints")) == []
    assert numbers(RunFolder(town.folder / "pruned")) == numbers(whole)


DAMAGED = (
    "model/config.json", "model/model.safetensors", "model/MANIFEST.json", "model/tokenizer.json",
    "results/town-names/adapted-seed-0.json", "results/town-names/base-seed-0.jsonl",
    "vocabulary/vocabulary.json",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
@pytest.mark.parametrize("name", DAMAGED)
def test_what_was_damaged_after_the_end_is_made_again_with_the_same_content(
    town: Any, whole: RunFolder, adapt: Adapt, name: str, damage: Callable[[Path], object]
) -> None:
    run = copy(whole, f"{name}-{damage.__name__}")
    damage(run.path / name)
    adapt(town, run.path.name)
    assert numbers(run) == numbers(whole)
    assert digests(run.model) == digests(whole.model)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_damaged_metrics_and_cards_are_noticed(
    town: Any, whole: RunFolder, adapt: Adapt, damage: Callable[[Path], object]
) -> None:
    run = copy(whole, f"metrics-{damage.__name__}")
    damage(run.metrics)
    damage(run.card)
    told = adapt(town, run.path.name).err
    assert re.search(r"notice: \S*metrics.jsonl .* when training ended; \d+ of its lines", told)
    assert run.card.read_text(encoding="utf-8").startswith("---\nlibrary_name: transformers")


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_a_damaged_store_is_refused_with_what_rebuilds_it(
    town: Any, whole: RunFolder, adapt: Adapt, damage: Callable[[Path], object]
) -> None:
    run = copy(whole, f"store-{damage.__name__}")
    damage(run.corpus / "store" / "store.arrow")
    told = adapt(town, run.path.name, code=2).err
    found = re.search(r"Delete the folder (\S+) and run again", told)
    assert found is not None
    shutil.rmtree(town.folder / found[1])
    adapt(town, run.path.name)
    assert numbers(run) == numbers(whole)


@pytest.mark.parametrize("name", ["config.json", "MANIFEST.json", "tokenizer.json"])
def test_a_damaged_model_is_not_scored(
    town: Any, whole: RunFolder, adapt: Adapt, cli: Callable[..., Any], name: str
) -> None:
    run = copy(whole, f"scored-{name}")
    flip(run.model / name)
    done = cli("evaluate", run.path)
    assert (done.code, done.out) == (2, "")
    assert f"{run.model}: {name} does not have the hash" in done.err
    assert f"domainbert adapt {run.path}" in done.err
