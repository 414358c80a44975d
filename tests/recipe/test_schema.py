from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import domainbert
from domainbert.errors import RecipeError
from domainbert.recipe.resolve import load_recipe, validate_recipe
from domainbert.recipe.schema import Recipe
from domainbert.recipe.train import MaskRates
from domainbert.recipe.yaml import parse_yaml

PLAIN = """\
name: mine
base: ./model
corpus:
  - path: notes/*.txt
train:
  steps: 10
"""

FULL = """\
version: 1
name: mine
title: Café notes
domain: legal
base:
  source: ./model
  revision: 0123456789012345678901234567890123456789
  sha256: 0123456789012345678901234567890123456789012345678901234567abcdef
corpus:
  - name: statutes
  - path: notes/*.txt
    text_unit: paragraph
  - file:
      name: more.jsonl.gz
      size: 12
      sha256: 0123456789012345678901234567890123456789012345678901234567abcdef
      url: https://example.org/more.jsonl.gz
    text_field: body
heldout:
  fraction: 0.02
  max_tokens: 1000
train:
  epochs: 1.5
  head_steps: 5
  batch_size: 8
  micro_batch_size: 4
  max_seq_length: 64
  mlm_probability: 0.2
  learning_rate: 5e-4
  warmup_ratio: 0
  lr_scheduler: constant
  weight_decay: 0.1
  adam_betas: [0.8, 0.99]
  max_grad_norm: 2
  dropout: 0.1
  precision: fp32
  seed: 7
  save_steps: 3
  save_total_limit: 1
  logging_steps: 2
tasks:
  - clauses
  - name: own
    kind: tagging
    train: a.tsv
    validation: b.tsv
    test: c.tsv
evaluate:
  seeds: [4, 5]
  epochs: 2
  batch_size: 4
  learning_rate: 3e-5
  max_seq_length: 32
"""


QUOTE = "YAML reads yes, no, on and off as booleans: put the word in quotes."


def read(text: str, *overrides: str) -> Recipe:
    return validate_recipe(parse_yaml(text, "r.yaml"), overrides)


def refused(text: str, *overrides: str) -> str:
    with pytest.raises(RecipeError) as caught:
        read(text, *overrides)
    return str(caught.value)


def known(section: str) -> str:
    fields = Recipe.model_fields[section].annotation.model_fields  # type: ignore[union-attr]
    return f"Known keys here: {', '.join(fields)}."


# --- the hash ---------------------------------------------------------------------------------


def test_the_hash_of_a_short_recipe_never_changes() -> None:
    # It changes when a default changes or a key is added: runs of before can then not be continued.
    assert read(PLAIN).hash() == "996a4a231b4087ddd2abe1d78f42cc0849237238c4c60b85320a87a33eb7e301"


def test_the_hash_of_a_full_recipe_never_changes() -> None:
    assert read(FULL).hash() == "5b3bda55db01de7c93d86dffb01391da2da1ec0be3fa892df75ea17166429e13"


@pytest.mark.parametrize(
    "text",
    [
        "train: {steps: 10}\ncorpus: [{path: notes/*.txt}]\nbase: ./model\nname: mine\n",
        PLAIN.replace("base: ./model", "base:\n  source: './model'"),
        PLAIN + "  learning_rate: 1e-4\n",
        PLAIN + "  learning_rate: 0.0001\n",
        PLAIN + "  learning_rate: 1.0e-4  # a comment\n",
        PLAIN + "  max_grad_norm: 1\n",
        PLAIN + "version: 1\ntasks: []\ntitle: ''\ndomain:\n",
        PLAIN + "evaluate: {seeds: [0, 1, 2]}\nheldout: {fraction: .05}\n",
        PLAIN.replace("\n", "\r\n"),
    ],
)
def test_equal_recipes_have_one_hash_however_written(text: str) -> None:
    assert read(text).hash() == read(PLAIN).hash()


def test_short_forms_of_base_and_tasks_have_the_hash_of_the_long_ones() -> None:
    long = "base: {source: m}\ntasks: [{name: a}, {name: b}]\n"
    rest = "name: x\ncorpus: [{path: a.txt}]\ntrain: {steps: 1}\n"
    assert read(f"base: m\ntasks: [a, b]\n{rest}").hash() == read(long + rest).hash()


def test_every_value_of_a_recipe_counts_in_its_hash() -> None:
    changes = {
        "name": "other",
        "title": "Other",
        "domain": "law",
        "base.source": "./other",
        "base.revision": "a" * 40,
        "base.sha256": "a" * 64,
        "corpus.0.name": "cases",
        "corpus.1.path": "other.txt",
        "corpus.1.text_unit": "line",
        "corpus.2.file.sha256": "a" * 64,
        "corpus.2.file.size": "13",
        "corpus.2.file.name": "other.jsonl.gz",
        "corpus.2.file.url": "https://example.org/other",
        "corpus.2.text_field": "text",
        "heldout.fraction": "0.03",
        "heldout.max_tokens": "1001",
        "train.epochs": "1.6",
        "train.head_steps": "6",
        "train.batch_size": "9",
        "train.micro_batch_size": "5",
        "train.max_seq_length": "65",
        "train.masking": "term",
        "train.mlm_probability": "0.21",
        "train.term_share": "0.6",
        "train.sentence_pairs": "order",
        "train.learning_rate": "4e-4",
        "train.warmup_ratio": "0.1",
        "train.lr_scheduler": "linear",
        "train.weight_decay": "0.2",
        "train.adam_betas": "[0.8, 0.98]",
        "train.max_grad_norm": "3",
        "train.dropout": "0.2",
        "train.precision": "bf16",
        "train.seed": "8",
        "train.save_steps": "4",
        "train.save_total_limit": "2",
        "train.logging_steps": "3",
        "tasks.0.name": "sections",
        "tasks.1.name": "other",
        "tasks.1.train": "d.tsv",
        "tasks.1.validation": "d.tsv",
        "tasks.1.test": "d.tsv",
        "evaluate.seeds": "[4, 6]",
        "evaluate.epochs": "3",
        "evaluate.batch_size": "5",
        "evaluate.learning_rate": "4e-5",
        "evaluate.max_seq_length": "33",
    }
    text = FULL.replace("  - clauses\n", "  - name: clauses\n")
    hashes = {key: read(text, f"{key}={value}").hash() for key, value in changes.items()}
    assert len({read(text).hash(), *hashes.values()}) == len(changes) + 1


def test_the_order_of_sources_tasks_and_seeds_counts_in_the_hash() -> None:
    rest = "name: x\nbase: m\ntrain: {steps: 1}\n"
    a, b = "{path: a.txt}", "{path: b.txt}"
    texts = [
        f"{rest}corpus: [{a}, {b}]\ntasks: [a, b]\nevaluate: {{seeds: [0, 1]}}\n",
        f"{rest}corpus: [{b}, {a}]\ntasks: [a, b]\nevaluate: {{seeds: [0, 1]}}\n",
        f"{rest}corpus: [{a}, {b}]\ntasks: [b, a]\nevaluate: {{seeds: [0, 1]}}\n",
        f"{rest}corpus: [{a}, {b}]\ntasks: [a, b]\nevaluate: {{seeds: [1, 0]}}\n",
    ]
    assert len({read(text).hash() for text in texts}) == 4


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


def test_a_rate_without_a_point_is_read_as_a_number() -> None:
    # YAML 1.1 takes 1e-4 for text.
    assert yaml.safe_load("1e-4") == "1e-4"
    assert read(PLAIN + "  learning_rate: 1e-4\n").train.learning_rate == 0.0001


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (".nan", "input should be a finite number, found nan."),
        ("nan", "input should be a finite number, found 'nan'."),
        (".inf", "input should be a finite number, found inf."),
        ("-.inf", "input should be a finite number, found -inf."),
        ("1e999", "input should be a finite number, found '1e999'."),
        ("-1e-4", "input should be greater than 0, found '-1e-4'."),
        ("0", "input should be greater than 0, found 0."),
        ("1", "input should be less than 1, found 1."),
        (
            "fast",
            "input should be a valid number, unable to parse string as a number, found 'fast'.",
        ),
        ("[1]", "input should be a valid number."),
        ("", "input should be a valid number, found None."),
    ],
)
def test_a_learning_rate_is_a_finite_number_between_0_and_1(value: str, problem: str) -> None:
    text = PLAIN + f"  learning_rate: {value}\n"
    assert refused(text) == f"r.yaml:7  train.learning_rate: {problem}"


def test_a_mask_rate_is_one_number_or_two() -> None:
    text = PLAIN + "  mlm_probability: {from: 0.3, to: 0.15}\n"
    recipe = read(text)
    rates = recipe.train.mlm_probability
    assert isinstance(rates, MaskRates)
    assert (rates.first, rates.last) == (0.3, 0.15)
    dumped = recipe.model_dump(mode="json")
    assert dumped["train"]["mlm_probability"] == {"from": 0.3, "to": 0.15}
    again = read(yaml.safe_dump(dumped, sort_keys=False))
    assert again == recipe
    assert again.hash() == recipe.hash() != read(PLAIN).hash()
    assert read(PLAIN, "train.mlm_probability={from: 0.3, to: 0.15}") == recipe


def test_a_key_inside_a_value_that_is_set_is_named() -> None:
    for key, value, missing in [
        ("train.mlm_probability", "{from: 0.3}", "to"),
        ("train.batch_ramp", "{start: 2}", "steps"),
    ]:
        assert refused(PLAIN, f"{key}={value}") == (
            f"--set {key}={value}: {key}.{missing}: missing; it has no default."
        )


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("2", ": input should be less than 1, found 2."),
        ("{from: 2, to: 0.1}", ".from: input should be less than 1, found 2."),
        ("{from: 0.2}", ".to: missing; it has no default."),
        (
            "{from: 0.2, to: 0.1, form: 1}",
            ".form: unknown key. Did you mean 'from'?",
        ),
        ("[0.3, 0.1]", ": input should be a valid number."),
    ],
)
def test_what_is_wrong_with_a_mask_rate_is_said_once(value: str, problem: str) -> None:
    text = PLAIN + f"  mlm_probability: {value}\n"
    assert refused(text) == f"r.yaml:7  train.mlm_probability{problem}"


NUMBERS = [
    "train.term_share",
    "train.epochs",
    "train.mlm_probability",
    "train.learning_rate",
    "train.warmup_ratio",
    "train.weight_decay",
    "train.max_grad_norm",
    "train.dropout",
    "heldout.fraction",
    "evaluate.learning_rate",
]


@pytest.mark.parametrize("key", NUMBERS)
@pytest.mark.parametrize("value", [".nan", ".inf", "-.inf", "-1", "text"])
def test_no_number_of_a_recipe_can_be_negative_or_not_finite(key: str, value: str) -> None:
    assert refused(FULL, f"{key}={value}").startswith(f"--set {key}={value}: input should be ")


@pytest.mark.parametrize(
    "key",
    [
        "train.batch_size",
        "train.micro_batch_size",
        "train.max_seq_length",
        "train.save_steps",
        "train.save_total_limit",
        "train.logging_steps",
        "heldout.max_tokens",
        "evaluate.epochs",
        "evaluate.batch_size",
        "evaluate.max_seq_length",
        "corpus.2.file.size",
    ],
)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "[1]", ".inf"])
def test_counts_are_whole_and_positive(key: str, value: str) -> None:
    assert refused(FULL, f"{key}={value}").startswith(f"--set {key}={value}: input should be ")


@pytest.mark.parametrize("key", ["train.seed", "train.batch_size", "train.learning_rate"])
@pytest.mark.parametrize("value", ["yes", "no"])
def test_a_truth_value_is_no_number(key: str, value: str) -> None:
    assert refused(FULL, f"{key}={value}").startswith(f"--set {key}={value}: ")


@pytest.mark.parametrize("value", ["no", "yes", "on", "off"])
def test_a_bare_no_where_text_is_due_gets_the_hint_to_quote_it(value: str) -> None:
    assert refused(PLAIN + f"title: {value}\n") == (
        f"r.yaml:7  title: input should be a valid string; {QUOTE}"
    )
    assert read(PLAIN + f"title: '{value}'\n").title == value


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("title: 5", "r.yaml:7  title: input should be a valid string, found 5."),
        ("version: 2", "r.yaml:7  version: input should be 1, found 2."),
        ("domain: Bio", "r.yaml:7  domain: string should match pattern"),
        ("heldout: 5", "r.yaml:7  heldout: input should be a valid dictionary"),
        ("tasks: [5]", "r.yaml:7  tasks.0: input should be a valid dictionary"),
        ("tasks: words", "r.yaml:7  tasks: input should be a valid tuple"),
        ("evaluate:\n  seeds: 3", "r.yaml:8  evaluate.seeds: input should be a valid tuple"),
        ("tasks: [a, b, a]", "r.yaml:7  tasks: task named twice: a."),
        (
            "tasks:\n  - a\n  - {name: own, kind: tagging, train: a}",
            "r.yaml:9  tasks.1: your own task also needs test, validation.",
        ),
        (
            "tasks:\n  - {name: a, labels: [x, y]}",
            "r.yaml:8  tasks.0: labels are for your own task; a plugin's task declares its own.",
        ),
        (
            "tasks:\n  - {name: a, multi_label: true}",
            "r.yaml:8  tasks.0: multi_label and levels are for your own classification task.",
        ),
        (
            (
                "tasks:\n  - {name: a, kind: classification, train: a, validation: b, test: c, "
                "levels: {x: 1}}"
            ),
            "r.yaml:8  tasks.0: levels need multi_label: true.",
        ),
        (
            (
                "tasks:\n  - {name: a, kind: tagging, train: a, validation: b, test: c, "
                "labels: [x, x]}"
            ),
            "r.yaml:8  tasks.0: labels: each label once.",
        ),
        (
            "evaluate:\n  batch_size: 1000000000",
            "r.yaml:8  evaluate.batch_size: input should be less than or equal to 65536",
        ),
        (
            "evaluate:\n  unfreeze: slowly",
            "r.yaml:8  evaluate.unfreeze: input should be 'all' or 'gradual'",
        ),
        (
            "evaluate:\n  seeds: [1, 2, 1]",
            "r.yaml:8  evaluate.seeds: each seed once: equal seeds give equal runs.",
        ),
        (
            "  epochs: 2",
            "r.yaml:5  train: give one of `steps`, `epochs`, `tokens` and `minutes`, found `steps` and `epochs`.",  # noqa: E501
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_line(lines: str, expected: str) -> None:
    found = refused(PLAIN + lines + "\n")
    assert found.startswith(expected)
    assert found.count("\n") == 0


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ("text_unit: line", "corpus.0: give `name` (a plugin's corpus), `path` or `file`."),
        ("path: ''", "corpus.0: give `name` (a plugin's corpus), `path` or `file`."),
        ("text_unit: word", "corpus.0.text_unit: input should be 'file', 'line' or 'paragraph'"),
    ],
)
def test_a_wrong_corpus_item_is_one_problem(item: str, expected: str) -> None:
    found = refused(PLAIN.replace("path: notes/*.txt", item))
    assert found.startswith(f"r.yaml:4  {expected}")
    assert found.count("\n") == 0


def test_a_corpus_needs_an_item() -> None:
    found = refused(PLAIN.replace("corpus:\n  - path: notes/*.txt", "corpus: []"))
    assert found.startswith("r.yaml:3  corpus: ")
    assert found.count("\n") == 0


@pytest.mark.parametrize("key", ["name", "base", "corpus", "train"])
def test_a_key_without_a_default_must_be_there(key: str) -> None:
    data = yaml.safe_load(PLAIN)
    del data[key]
    assert refused(yaml.safe_dump(data)) == f"r.yaml:1  {key}: missing; it has no default."


# --- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("trian: 1", "r.yaml:7  trian: unknown key. Did you mean 'train'?"),
        ("  learning_rat: 1", "r.yaml:7  train.learning_rat: unknown key. Did you mean"),
        ("heldout:\n  fracton: 1", "r.yaml:8  heldout.fracton: unknown key. Did you mean"),
        ("tasks:\n  - {name: a, trian: b}", "r.yaml:8  tasks.0.trian: unknown key. Did you mean"),
        ("evaluate: {seed: [1]}", "r.yaml:7  evaluate.seed: unknown key. Did you mean 'seeds'?"),
        ("  zzz: 1", f"r.yaml:7  train.zzz: unknown key. {known('train')}"),
        ("evaluate: {zzz: 1}", f"r.yaml:7  evaluate.zzz: unknown key. {known('evaluate')}"),
    ],
)
def test_an_unknown_key_gets_the_nearest_one_or_all(lines: str, expected: str) -> None:
    assert refused(PLAIN + lines + "\n").startswith(expected)


def test_keys_of_base_and_file_are_suggested_too() -> None:
    text = FULL.replace("revision:", "revison:").replace("      size:", "      siez:")
    assert refused(text).splitlines()[:2] == [
        "r.yaml:7  base.revison: unknown key. Did you mean 'revision'?",
        "r.yaml:13  corpus.2.file.size: missing; it has no default.",
    ]
    assert "r.yaml:15  corpus.2.file.siez: unknown key. Did you mean 'size'?" in refused(text)


def test_several_problems_are_reported_at_once_with_file_line_and_key(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(
        "name: My Recipe\nbase: ./m\ncorpus:\n  - path: a.txt\n    text_unit: word\n"
        "train:\n  steps: 0\n  learning_rat: 1\ntitel: x\n"
    )
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    heads = [line.split(": ")[0] for line in str(caught.value).splitlines()]
    assert [head for head in heads if "corpus" not in head] == [
        f"{path}:1  name",
        f"{path}:7  train.steps",
        f"{path}:8  train.learning_rat",
        f"{path}:9  titel",
    ]
    assert f"{path}:5  corpus.0.text_unit" in heads


# --- --set -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("override", "key", "value"),
    [
        ("train.steps=7", ("train", "steps"), 7),
        ("train.learning_rate=1e-3", ("train", "learning_rate"), 0.001),
        (" train.steps =7", ("train", "steps"), 7),
        ("title=a=b", ("title",), "a=b"),
        ("title='a: b'", ("title",), "a: b"),
        ("corpus.0.path=b.txt", ("corpus", 0, "path"), "b.txt"),
        ("evaluate.seeds=[8, 9]", ("evaluate", "seeds"), (8, 9)),
        ("heldout.fraction=0.5", ("heldout", "fraction"), 0.5),
        ("base=./other", ("base", "source"), "./other"),
        ("base.source=./other", ("base", "source"), "./other"),
        (f"base.sha256={'a' * 64}", ("base", "sha256"), "a" * 64),
        ("tasks=[a]", ("tasks", 0, "name"), "a"),
    ],
)
def test_set_changes_one_value(override: str, key: tuple[Any, ...], value: Any) -> None:
    found: Any = read(PLAIN, override)
    for part in key:
        found = found[part] if isinstance(part, int) else getattr(found, part)
    assert found == value


def test_set_gives_a_base_written_short_a_hash_and_keeps_its_source() -> None:
    recipe = read(PLAIN, f"base.sha256={'a' * 64}")
    assert recipe.base.model_dump() == {
        "source": "./model",
        "revision": None,
        "sha256": "a" * 64,
    }


def test_set_replaces_a_task_written_short() -> None:
    text = PLAIN + "tasks: [a, b]\n"
    assert [task.name for task in read(text, "tasks.1=c").tasks] == ["a", "c"]
    assert [task.name for task in read(text, "tasks.1.name=c").tasks] == ["a", "c"]


def test_of_two_settings_of_one_key_the_last_counts() -> None:
    assert read(PLAIN, "train.steps=7", "train.steps=8").train.steps == 8
    assert read(PLAIN, "evaluate={epochs: 2}", "evaluate.epochs=3").evaluate.epochs == 3


def test_set_gives_the_hash_of_a_recipe_that_was_written_so() -> None:
    assert read(PLAIN, "train.steps=11").hash() == read(PLAIN.replace("10", "11")).hash()


def test_set_leaves_the_parsed_file_unchanged() -> None:
    parsed = parse_yaml(PLAIN, "r.yaml")
    validate_recipe(parsed, ("train.steps=11", "corpus.0.path=b.txt"))
    assert parsed.data == yaml.safe_load(PLAIN)


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("title=no", f"input should be a valid string; {QUOTE}"),
        ("train.steps", "expected KEY=VALUE, such as train.steps=500."),
        ("=7", "expected KEY=VALUE, such as train.steps=500."),
        ("", "expected KEY=VALUE, such as train.steps=500."),
        ("train.stepz=7", "unknown key. Did you mean 'steps'?"),
        ("train.zzz=7", f"unknown key. {known('train')}"),
        ("corpus.1.path=b.txt", "no item 1; the list has 1."),
        ("corpus.-1.path=b.txt", "no item '-1'; the list has 1."),
        ("corpus.first.path=b.txt", "no item 'first'; the list has 1."),
        ("train.steps.more=3", "'more' is inside a value that has no keys."),
        ("name.more=3", "'more' is inside a value that has no keys."),
        ("train.steps=0", "input should be greater than or equal to 1, found 0."),
        ("title=", "input should be a valid string, found None."),
    ],
)
def test_a_wrong_setting_is_named_as_it_was_typed(override: str, expected: str) -> None:
    assert refused(PLAIN, override) == f"--set {override}: {expected}"


@pytest.mark.parametrize(
    "override", ["title=[", "title=a: b", "title=&x y", "title=!!python/none x", "title=a\nb"]
)
def test_a_setting_that_is_no_safe_yaml_is_refused(override: str) -> None:
    assert refused(PLAIN, override).startswith(f"--set {override}:")


@pytest.mark.parametrize("override", ["²=1", "corpus.².path=b.txt", "0=1", "train.0=1"])
def test_odd_numbers_in_a_key_are_refused(override: str) -> None:
    assert refused(PLAIN, override).startswith(f"--set {override}: ")


def test_problems_of_file_and_settings_are_reported_together() -> None:
    found = refused(PLAIN + "titel: x\n", "train.steps=x", "train.foo=2")
    assert [line.split(": ")[0] for line in found.splitlines()] == [
        "--set train.steps=x",
        "--set train.foo=2",
        "r.yaml:7  titel",
    ]


# --- files -------------------------------------------------------------------------------------


def test_load_recipe_is_public_and_reads_files_with_settings(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + PLAIN.replace("\n", "\r\n").encode())
    assert domainbert.load_recipe is load_recipe
    assert load_recipe(str(path)) == read(PLAIN)
    assert load_recipe(path, ("train.steps=3",)).train.steps == 3


def test_a_recipe_cannot_be_changed() -> None:
    recipe = read(PLAIN)
    with pytest.raises(ValueError, match="frozen"):
        recipe.train.steps = 5  # type: ignore[misc]
