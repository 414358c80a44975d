from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.tasks import labelled
from numpy.typing import NDArray

from domainbert.errors import DataError
from domainbert.report.compare import (
    Comparison,
    Group,
    TaskReport,
    compare,
    corrected,
    group,
)
from domainbert.report.compare_results import compare_results
from domainbert.report.statistics import crossed_variance
from domainbert.report.task_reports import corrected_reports
from domainbert.report.text import in_reach
from domainbert.tasks.metrics.score import primary_metric

Write = Callable[..., Path]
BASE = {"name": "base", "run": None}
TASK = labelled("tagging", "ROLE")


def model(
    *counts_SN3: NDArray[np.int64], baseline: bool = False, first: int = 0, doubt: str = ""
) -> Group:
    """A model that was fine-tuned with seeds from `first`, given by its counts of each seed."""
    metric, results = primary_metric(TASK), []
    assert metric.aggregate is not None
    for seed, counts_N3 in enumerate(counts_SN3, start=first):
        value = float(metric.aggregate(counts_N3.sum(axis=0)))
        about = {"settings": {}, "model": SimpleNamespace(doubt=doubt, seeded=not baseline)}
        result = SimpleNamespace(task=TASK, seed=seed, test={metric.name: value}, **about)
        scored = {
            "result": result,
            "records": counts_N3,
            "is_baseline": baseline,
            "name": "x",
            "noun": "seed",
        }
        scored["n_records"] = len(counts_N3)
        results.append(SimpleNamespace(**scored))
    return group(results)  # type: ignore[arg-type]


def counts(seed: int, right: float, seeds: int = 3, sentences: int = 80) -> list[NDArray[np.int64]]:
    """Mentions (right, predicted, gold) of each seed and sentence, of which a share is right."""
    numbers = np.random.default_rng(seed)
    gold = np.random.default_rng(99).integers(0, 4, sentences)
    return [np.stack([numbers.binomial(gold, right), gold, gold], axis=1) for _ in range(seeds)]


def test_verdicts() -> None:
    low, high = model(*counts(1, 0.6)), model(*counts(2, 0.9))
    better, worse = compare(low, high), compare(high, low)
    assert (better.verdict, worse.verdict) == ("better", "worse")
    assert (better.difference, better.low) == pytest.approx((-worse.difference, -worse.high))
    same = compare(low, low)
    assert (same.difference, same.low, same.high, same.verdict) == (0.0, 0.0, 0.0, "not shown")
    # One seed shows nothing, but a baseline needs no second.
    once = counts(1, 0.1, seeds=1)
    alone = compare(model(*once), high)
    assert (alone.low > 0.5, alone.verdict, alone.paired) == (True, "not shown", False)
    assert compare(model(*once, baseline=True), high).verdict == "better"


def test_few_records_give_no_verdict() -> None:
    for records, said in ((1, "1 test record: "), (5, "5 test records: ")):
        made = compare(
            *(model(*[np.full((records, 3), [n, 2, 2])] * 3) for n in (1, 2))  # each one better
        )
        assert (made.verdict, made.p_value > 0.05) == ("no verdict", True)
        assert made.notes[0].startswith(said)
    made = compare(*(model(*[np.full((6, 3), [n, 2, 2])] * 3) for n in (1, 2)))
    assert (made.verdict, made.p_value) == ("better", 2.0**-5)


def test_what_shows_nothing_is_said() -> None:
    # With one seed no difference is shown, so none is named.
    alone = compare(model(*counts(1, 0.6, seeds=1)), model(*counts(2, 0.9, seeds=1)))
    assert (alone.verdict, alone.visible, in_reach(alone)) == ("not shown", None, "")
    assert alone.notes == ("one seed shows nothing; take three",)
    wild = [np.full((6, 3), [n, 2, 2]) for n in (0, 2)]
    far = compare(model(*wild), model(*wild[::-1]))
    assert (far.low, far.high, far.visible) == (-1.0, 1.0, None)
    assert far.notes == ("so few seeds and records show no difference, however large",)
    low = model(*counts(1, 0.6))
    assert compare(low, low).notes == ("both are equal on every test record",)


@pytest.mark.parametrize(("right", "said"), [(0.0, "floor: "), (1.0, "ceiling: ")])
def test_scores_at_an_end_of_their_range_give_no_verdict(right: float, said: str) -> None:
    ones, twos = model(*counts(1, right)), model(*counts(2, right))
    compared = compare(ones, twos)
    assert (compared.verdict, compared.notes[0].startswith(said)) == ("no verdict", True)
    assert compare(ones, model(*counts(1, 0.5))).verdict in {"better", "worse"}


def test_a_model_that_learned_nothing_gets_no_verdict() -> None:
    low, high = model(*counts(1, 0.6)), model(*counts(2, 0.9), doubt="learned nothing")
    for compared in (compare(low, high), compare(high, low)):
        assert (compared.verdict, compared.notes) == ("no verdict", ("learned nothing",))


@pytest.mark.parametrize("paired", [True, False])
def test_the_interval_has_the_variances_of_seeds_and_records(paired: bool) -> None:
    base, other = model(*counts(1, 0.7)), model(*counts(2, 0.75), first=0 if paired else 1)
    sides = [(np.array(each.primary.values), each.values_BS) for each in (base, other)]
    if paired:
        sides = [(sides[1][0] - sides[0][0], sides[1][1] - sides[0][1])]
    made, variance = compare(base, other), crossed_variance(sides, 80)
    assert made.paired is paired
    assert (made.low, made.high) == variance.interval(made.difference)
    assert (made.p_value, made.visible) == (variance.p_value(made.difference), variance.visible())


def comparison(p_value: float, verdict: str = "better") -> Comparison:
    return Comparison(0.1, 0.05, 0.15, verdict, p_value=p_value, p_holm=p_value)


def test_holm_over_the_tasks_of_a_run() -> None:
    # Holm 1979: 3 · 0.01, 2 · 0.03, and never less than the one before.
    made = corrected([comparison(0.03), comparison(0.01), comparison(0.2, "not shown")])
    assert [each.p_holm for each in made] == pytest.approx([0.06, 0.03, 0.2])
    assert [each.verdict for each in made] == ["not shown", "better", "not shown"]
    assert made[0].notes == ("better on its own, p = 0.030, and not among 3 tasks",)
    assert corrected([comparison(0.04)])[0].verdict == "better"
    assert corrected([]) == []


def test_each_further_model_is_corrected_over_the_tasks_alone() -> None:
    values = {"adapted": (0.01, 0.04), "second": (0.03, 0.04)}
    reports = [
        TaskReport(
            TASK, "f1", {}, {name: comparison(p[number]) for name, p in values.items()}, {}, 0.0
        )
        for number in range(2)
    ]
    first, other = corrected_reports(reports, list(values))
    assert {n: c.p_holm for n, c in first.comparisons.items()} == {"adapted": 0.02, "second": 0.06}
    assert {n: c.p_holm for n, c in other.comparisons.items()} == {"adapted": 0.04, "second": 0.06}
    assert [c.verdict for c in first.comparisons.values()] == ["better", "not shown"]
    assert [c.verdict for c in other.comparisons.values()] == ["better", "not shown"]


def fill(folder: Path, write: Write, right: float, seeds: int = 2, **changes: Any) -> Path:
    for seed in range(seeds):
        write(folder, right, seed=seed, **changes)
    return folder


def refused(first: object, second: object) -> str:
    with pytest.raises(DataError) as caught:
        compare_results(str(first), str(second))
    return str(caught.value)


def test_the_adapted_model_of_a_run_is_meant(tmp_path: Path, write_result: Write) -> None:
    run = fill(tmp_path / "run", write_result, 0.9, seeds=5)
    fill(run, write_result, 0.4, seeds=5, model=BASE)
    ((_, _, made),), notices = compare_results(f"{run}/*/base-seed-*.json", str(run))
    assert (notices, made.verdict, made.paired) == ([], "better", True)
    assert made.names == ("base (package:mini/model)", "adapted (town-mini)")


def test_sides_that_do_not_fit_are_refused(tmp_path: Path, write_result: Write) -> None:
    one, two = write_result(tmp_path / "one"), tmp_path / "two"
    other = write_result(tmp_path / "x", task={"name": "x"})
    second = write_result(tmp_path / "2", task={"version": "2", "labels": ["bad", "good", "plain"]})
    assert refused(one, other) == f"no task in common: {one} has tone; {other} has x."
    told = f"{second}: its task differs from that of {one} in version, labels. Such scores are not "
    assert refused(one, second).startswith(told)
    for run in ("i", "j"):
        write_result(two / run, model={"run": run, "sha256": run * 64})
    told = "results of several models or settings (adapted (i), adapted (j)). Name those of one"
    assert refused(two, one).startswith(f"{two}: tone: {told} with a glob in quotes")
