from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from domainbert.report.results import load_result

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]

PEOPLE, PLACES = ["baker", "clerk", "miller", "painter"], ["barn", "garden", "market", "valley"]
BOTH = ["majority", "tfidf-svm"]


def write(town: Any, several: bool, **evaluate: Any) -> Any:
    """The town's recipe with a classification task of its own."""
    path = town.write(steps=2)
    for split, first, count in (("train", 0, 24), ("validation", 24, 8), ("test", 20, 12)):
        rows = ["text\tlabel"]
        for n in range(first, first + count):
            who, where = f"the {PEOPLE[n % 4]} of {n}", f"the {PLACES[n // 3 % 4]} of {n}"
            pair = (f"{who} and {where}", "person|place")
            rows.append("\t".join(pair if several and n % 3 == 0 else
                                  ((who, "person") if n % 2 else (where, "place"))))  # fmt: skip
        text = "\n".join(rows) + "\n"
        (town.folder / f"about-{split}.tsv").write_text(text, encoding="utf-8")
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    task = {"name": "about", "kind": "classification", "multi_label": several}
    task |= {split: f"about-{split}.tsv" for split in ("train", "validation", "test")}
    recipe["tasks"] = [task | ({"levels": {"letter": 1}} if several else {})]
    recipe["evaluate"] |= evaluate
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


@pytest.mark.parametrize("several", [False, True])
def test_models_and_baselines_stand_in_one_table(
    make_town: MakeTown, adapt: Adapt, several: bool
) -> None:
    town = make_town()
    recipe = write(town, several, long_texts="window", max_seq_length=8)
    told = json.loads(adapt(town, recipe, "--out", "run", "--json").out)
    (task,) = told["tasks"]
    assert task["metric"] == ("f1_micro" if several else "f1_macro")
    assert list(task["models"]) == ["base", "adapted", *BOTH]
    assert [len(m[task["metric"]]["values"]) for m in task["models"].values()] == [2, 2, 1, 1]
    # Four records of test stand in train; texts of seven words do not fit a window of six tokens.
    assert task["counts"]["test_in_train"] == 4
    assert ("long_texts" in task["counts"]) == several
    results = town.folder / "run" / "results" / "about"
    names = ["adapted-seed-0", "adapted-seed-1", "base-seed-0", "base-seed-1",
             "majority-seed-0", "tfidf-svm-seed-0"]  # fmt: skip
    assert sorted(path.stem for path in results.glob("*.json")) == names
    for name in names:
        result, predictions = load_result(results / f"{name}.json")
        assert len(predictions) == 12
        assert (
            result.test[task["metric"]]
            in (task["models"][result.model.name][task["metric"]]["values"])
        )
        assert ("f1_micro@letter" in result.test) == several
        assert (result.model.sha256 is None) == (result.model.name in BOTH)
        assert (result.model.tokens > 0) == (result.model.name == "adapted")
    card = (town.folder / "run" / "README.md").read_text(encoding="utf-8")
    assert "| tfidf-svm |" in card
    assert "Labels in order: person, place." in card
    assert "4 records of test stand in train too." in card
