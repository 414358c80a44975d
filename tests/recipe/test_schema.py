from __future__ import annotations

import pytest
import yaml
from helpers.recipe import PLAIN, read, refused
from hypothesis import given
from hypothesis import strategies as st

from domainbert.recipe.schema import Recipe
from domainbert.recipe.train import MaskRates, TrainSection

FULL = """\
version: 1
name: mine
title: Café notes
domain: legal
base: {source: ./model, revision: "0123456789012345678901234567890123456789", sha256: SHA}
corpus:
  - name: statutes
  - {path: notes/*.txt, text_unit: paragraph}
  - file: {name: more.jsonl.gz, size: 12, sha256: SHA, url: https://example.org/more.jsonl.gz}
    text_field: body
held_out: {fraction: 0.02, max_tokens: 1000}
train: {epochs: 1.5, head_steps: 5, batch_size: 8, micro_batch_size: 4, max_seq_length: 64,
  mlm_probability: 0.2, learning_rate: 5e-4, warmup_ratio: 0, lr_scheduler: constant,
  adam_betas: [0.8, 0.99], precision: fp32, seed: 7, save_steps: 3}
tasks:
  - name: clauses
  - {name: own, kind: tagging, train: a.tsv, validation: b.tsv, test: c.tsv}
evaluate: {seeds: [4, 5], epochs: 2, batch_size: 4, learning_rate: 3e-5, max_seq_length: 32}
""".replace("SHA", "0123456789012345678901234567890123456789012345678901234567abcdef")


# --- the hash ----------------------------------------------------------------------------------


def test_the_hashes_of_a_short_and_a_full_recipe_never_change() -> None:
    # They change when a default changes; a key that is added with a default changes none.
    assert read(PLAIN).hash() == "3fe0cff956e839d82e324f72111d1590d47be63e90710ba7ce0a38dd8a760d2c"
    assert read(FULL).hash() == "ca9a538e5c0583c06282a48ad3072f75cad10a09cf20a555e9b1ed4c7e4920e1"


def test_a_new_key_at_its_default_changes_no_hash() -> None:
    class NextTrain(TrainSection):
        new_key: int = 5
        """Of the next version."""

    class NextRecipe(Recipe):
        train: NextTrain

    data = yaml.safe_load(FULL)
    assert NextRecipe.model_validate(data).hash() == read(FULL).hash()
    data["train"]["new_key"] = 6
    assert NextRecipe.model_validate(data).hash() != read(FULL).hash()


@pytest.mark.parametrize(
    "text",
    [
        "train: {steps: 10}\ncorpus: [{path: notes/*.txt}]\nbase: ./model\nname: mine\n",
        PLAIN + "  learning_rate: 1.0e-4  # a comment\n  max_grad_norm: 1\n",
        PLAIN + "version: 1\ntasks: []\ndomain:\nevaluate: {seeds: [0, 1, 2]}\n",
    ],
)
def test_equal_recipes_have_one_hash_however_written(text: str) -> None:
    assert read(text).hash() == read(PLAIN).hash()


def test_a_changed_value_or_order_changes_the_hash() -> None:
    changes = ["base.source=./other", "corpus.2.file.size=13", "train.adam_betas=[0.8, 0.98]"]
    changes += ["tasks=[a, b]", "tasks=[b, a]", "evaluate.seeds=[5, 4]"]
    hashes = {read(FULL, change).hash() for change in changes}
    assert len(hashes | {read(FULL).hash()}) == len(changes) + 1


RATES = st.floats(min_value=0, max_value=1, exclude_min=True, exclude_max=True)


@given(rate=RATES, title=st.text(max_size=20), seed=st.integers(0, 2**32 - 1))
def test_a_resolved_recipe_is_read_back_equal(rate: float, title: str, seed: int) -> None:
    data = yaml.safe_load(FULL)
    data |= {"title": title, "train": {**data["train"], "learning_rate": rate, "seed": seed}}
    recipe = Recipe.model_validate(data)
    again = read(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False))
    assert again == recipe
    assert again.hash() == recipe.hash()


# --- values ------------------------------------------------------------------------------------


def test_a_mask_rate_is_one_number_or_two() -> None:
    recipe = read(PLAIN + "  mlm_probability: {from: 0.3, to: 0.15}\n")
    rates = recipe.train.mlm_probability
    assert isinstance(rates, MaskRates)
    assert (rates.first, rates.last) == (0.3, 0.15)
    assert read(yaml.safe_dump(recipe.model_dump(mode="json"))) == recipe


NUMBERS = {
    f"{name}.{key}": "1.5" if field.annotation in (int, int | None) else ".nan"
    for name in ("held_out", "train", "evaluate")
    for key, field in Recipe.model_fields[name].annotation.model_fields.items()  # type: ignore[union-attr]
    if field.annotation in (int, float, int | None, float | None)
}


@pytest.mark.parametrize("key", NUMBERS)
def test_no_number_can_be_negative_not_finite_or_text(key: str) -> None:
    for value in (NUMBERS[key], ".inf", "-1", "text", "[1]"):
        assert refused(FULL, f"{key}={value}").startswith(f"--set {key}={value}: input should be ")


@pytest.mark.parametrize("value", ["true", "false"])
@pytest.mark.parametrize(
    "key",
    ["version", "train.steps", "train.adam_betas.0", "train.objectives.masked-lm", "train.spike",
     "train.mlm_probability", "evaluate.seeds.0", "held_out.fraction", "train.batch_ramp.start"],
)  # fmt: skip
def test_a_truth_value_is_no_number(key: str, value: str) -> None:
    text = FULL.replace("seed: 7", "seed: 7, objectives: {masked-lm: 1}")
    text = text.replace("seed: 7", "seed: 7, batch_ramp: {start: 4, steps: 2}")
    said = refused(text, f"{key}={value}")
    assert said.endswith(f"expected a number, found {value}.")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("  mlm_probability: 2", "7  train.mlm_probability: input should be less than 1, found 2"),
        ("  batch_size: yes", "7  train.batch_size: "),
        ("title: 5", "7  title: input should be a valid string, found 5."),
        ("version: 2", "7  version: input should be 1, found 2."),
        ("domain: Bio", "7  domain: string should match pattern"),
        ("tasks: [a, b, a]", "7  tasks: a: twice; give each once."),
        (
            "tasks:\n  - a\n  - {name: own, kind: tagging, train: a}",
            "9  tasks.1: your own task also needs test, validation; or cut it from train wi",
        ),
        ("tasks: [{name: a, labels: [x, y]}]", "7  tasks.0: labels"),
        ("evaluate: {batch_size: 1000000000}", "7  evaluate.batch_size: input should be less than"),
        ("  epochs: 2", "5  train: give one of `steps`, `epochs`, `tokens` and `minutes`, found "),
        ("  objectives: [other]", "5  train: objectives: `masked-lm` is missing"),
    ],
)
def test_a_wrong_value_is_one_problem_with_its_line(lines: str, expected: str) -> None:
    problem = refused(PLAIN + lines + "\n")
    assert problem.startswith(f"r.yaml:{expected}")
    assert problem.count("\n") == 0


def test_a_corpus_without_source_is_one_problem() -> None:
    problem = refused(PLAIN.replace("path: notes/*.txt", "text_unit: line"))
    assert (
        problem
        == "r.yaml:4  corpus.0: give `name` (a plugin's corpus), `path`, `file`, `hub` or `task`."
    )
