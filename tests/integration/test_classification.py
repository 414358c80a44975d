from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from helpers.tasks import PEOPLE, PLACES

from domainbert.tasks.load import SPLITS


def write(town: Any, several: bool) -> Any:
    """The town's recipe with a classification task from the user's files."""
    path, task = town.write(steps=2), {"name": "about", "kind": "classification"}
    for split, first, count in zip(SPLITS, (0, 24, 20), (24, 8, 12), strict=True):
        rows = ["text\tlabel"]
        for n in range(first, first + count):
            who, where = f"the {PEOPLE[n % 4]} of {n}", f"the {PLACES[n // 3 % 4]} of {n}"
            one = f"{who}\tperson" if n % 2 else f"{where}\tplace"
            rows.append(f"{who} and {where}\tperson|place" if several and n % 3 == 0 else one)
        task[split] = f"about-{split}.tsv"
        (town.folder / task[split]).write_text("\n".join(rows) + "\n", encoding="utf-8")
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    more = {"multi_label": True, "levels": {"letter": 1}} if several else {}
    recipe["tasks"] = [task | more]
    recipe["evaluate"] |= {"long_texts": "window", "max_seq_length": 8}
    path.write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return path


@pytest.mark.parametrize("several", [False, True])
def test_models_and_baselines_are_in_one_table(
    make_town: Callable[[], Any], adapt: Callable[..., Any], several: bool
) -> None:
    town = make_town()
    (task,) = json.loads(adapt(town, write(town, several), "--out", "run", "--json").out)["tasks"]
    models, metric = task["models"], "f1_micro" if several else "f1_macro"
    n_seeds = {name: len(scores[metric]["values"]) for name, scores in models.items()}
    assert n_seeds == {"base": 2, "adapted": 2, "majority": 1, "tfidf-svm": 1}
    assert [("f1_micro@letter" in scores) for scores in models.values()] == [several] * 4
    # Four records of test are in train; texts of seven words do not fit a window of six tokens.
    assert (task["metric"], task["counts"]["test_in_train"]) == (metric, 4)
    assert ("long_texts" in task["counts"]) == several
    card = (town.folder / "run" / "README.md").read_text(encoding="utf-8")
    for text in ("| tfidf-svm |", "Labels in order: person, place.", "4 records of test"):
        assert text in card
