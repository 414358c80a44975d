"""What helps: ways to adapt one base, on three fields and several label budgets.

    python benchmarks/what_helps.py FOLDER [--fields bio finance patent] [--budgets 100 1000 all]
        [--models base adapted blend-0.5 ...] [--seeds 5] [--steps 300]

`recipes/studies/what-helps.yaml` is the adaptation; fields and ways change it as the tables below
say. FOLDER is shared: what is finished there is kept, so a call that was stopped goes on, a later
one only adds models, budgets and seeds, and the base is scored once for all ways. One JSON line per
field, budget and model goes to stdout, all else to stderr.

`validation` and `test` are means over seeds in percent, `difference`, `low` and `high` those of the
test score against the base, `bits` and `general_bits` bits per character of held-out text of the
field and of general text, `minutes` those of training.
"""

from __future__ import annotations

import argparse
import copy
import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

import domainbert
from domainbert.corpus.steps.held_out import heldout_texts, split_documents
from domainbert.corpus.store import open_store
from domainbert.model.blend import averaged, blended, set_parameters
from domainbert.model.export import export_model
from domainbert.model.load import BaseFolder, LoadedModel, find_base, load_masked_lm
from domainbert.pipeline.choose import load_registry
from domainbert.pipeline.evaluate import evaluate
from domainbert.pipeline.trial import ModelUnderTest
from domainbert.plugin.components import LoadedTask
from domainbert.plugin.places import DataFile
from domainbert.plugin.readers import read_lines
from domainbert.recipe.library import bundled_recipes
from domainbert.recipe.schema import Recipe
from domainbert.recipe.tasks import TaskSection
from domainbert.report.compare import TaskReport
from domainbert.report.results import Result, result_path
from domainbert.report.statistics import summarise
from domainbert.run.folder import RunFolder
from domainbert.run.progress import Reporter
from domainbert.run.session import Session, open_session
from domainbert.run.stage import read_stage
from domainbert.storage.download import locate
from domainbert.storage.files import read_json, sha256_file, write_json, write_text
from domainbert.tasks.load import load_task
from domainbert.tasks.metrics.score import kind_of
from domainbert.training.checkpoint import averageable
from domainbert.training.held_out import measure_held_out

# Field: corpus, task, and what fine-tuning changes. The corpora are mixtures that may not be passed
# on; docs/results has what is in them.
FIELDS: dict[str, tuple[DataFile, str, dict[str, Any]]] = {
    "bio": (
        DataFile(
            "ee60ba11ada0787ab5e20e51e686bc6d5ecf0134b032e26949a397e455f52bbe", 6319183,
            "biomed_raw.jsonl.gz",
        ),
        "ncbi-disease", {},
    ),
    "finance": (
        DataFile(
            "dd0cc0daa7da8e4ef3e50d2b775afa640248c1d7437e6389572b76f167c70072", 8059460,
            "finance_raw.jsonl.gz",
        ),
        "phrasebank-50agree", {"max_seq_length": 96},
    ),
    "patent": (
        DataFile(
            "f34dc13dcf23f3836c3b193d21ab404e9525d3c9cdd4895e3bd158e6a794dddf", 6976480,
            "patents_raw.jsonl.gz",
        ),
        "cpc-section", {"max_seq_length": 64, "epochs": 2, "learning_rate": 3e-4},
    ),
}  # fmt: skip
# Way: what training changes.
WAYS: dict[str, dict[str, Any]] = {
    "adapted": {},
    "low-rate": {"train.learning_rate": 1e-4},
    "layerwise": {"train.layerwise_lr_decay": 0.7},
    "replay": {},
    "tapt": {},
    "lora": {"train.method": "lora", "train.learning_rate": 5e-3},
}
# The head of these is that of `adapted`.
_SAME_HEAD = {"low-rate", "lora"}
ALPHAS = {f"blend-{alpha:g}": alpha for alpha in (0.25, 0.5, 0.75)}
N_AVERAGED = 5
AVERAGE = f"last-{N_AVERAGED}"
MODELS = ("base", "adapted", *ALPHAS, AVERAGE, *list(WAYS)[1:])
# One document in this many of the field, beside general text: a fifth of what replay reads.
_FIELD_SHARE = 4
# Characters at the beginning of the general text, on which bits are measured.
_MEASURED = 250_000


@dataclass(frozen=True)
class Study:
    """One field.

    Args:
        name: Of the field.
        folder: Of its runs, models and results.
        recipe: Of the study, with the corpus and the task of the field.
        registry: Plugins.
    """

    name: str
    folder: Path
    recipe: Recipe
    registry: Any

    @property
    def task(self) -> str:
        """Name of its task."""
        return self.recipe.tasks[0].name

    def load(self, budget: str) -> LoadedTask:
        """Return the task with a label budget, `all` for none."""
        name = self.task if budget == "all" else f"{self.task}@{budget}"
        section = TaskSection.model_validate({"name": name})
        return load_task(section, self.registry.domain(self.recipe.domain), Path())


def open_study(name: str, folder: Path, seeds: int, steps: int) -> Study:
    """Return the study of a field."""
    file, task, fine_tuning = FIELDS[name]
    registry = load_registry(())
    shared = yaml.safe_load((bundled_recipes() / "studies/what-helps.yaml").read_text("utf-8"))
    shared["domain"], shared["tasks"] = name, [task]
    about = {"name": file.name, "sha256": file.sha256, "size": file.size}
    shared["corpus"] = [{"file": about}]
    shared["evaluate"] |= {"seeds": list(range(seeds)), "baselines": False, **fine_tuning}
    shared["train"]["steps"] = steps
    return Study(name, folder / name, Recipe.model_validate(shared), registry)


def train(study: Study, way: str) -> RunFolder:
    """Return the run of a way to adapt, trained if it is not yet."""
    run = RunFolder(study.folder / "runs" / way)
    settings = {"name": f"{study.name}-{way}", "tasks": [], "blend": None, **WAYS[way]}
    content = study.recipe.model_dump(mode="json", exclude_defaults=True)
    if way == "replay":
        content["corpus"] = [{"path": str(path)} for path in replay_files(study)]
    if way == "tapt":
        content["corpus"] = [{"path": str(task_texts(study)), "text_unit": "line"}]
        content["corpus_steps"] = ["normalise"]
    path = study.folder / f"{way}.yaml"
    write_text(path, yaml.safe_dump(content))
    head = study.folder / "runs" / "adapted" / "head"
    if way in _SAME_HEAD and head.is_dir() and not (run.path / "head").exists():
        domainbert.adapt(path, settings=settings, out=run.path, until="corpus")
        shutil.copytree(head, run.path / "head")
    domainbert.adapt(path, settings=settings, out=run.path, until="pretrain")
    return run


def general_text() -> str:
    """Return the general text of the study."""
    section = yaml.safe_load((bundled_recipes() / "studies/what-helps.yaml").read_text("utf-8"))
    given = section["held_out"]["general"]["file"]
    return locate(DataFile(given["sha256"], given["size"], given["name"])).read_text("utf-8")


def replay_files(study: Study) -> list[Path]:
    """Write and return a part of the field's documents, and general text that is not measured."""
    field, general = study.folder / "replay-field.jsonl", study.folder / "replay-general.txt"
    if not field.exists():
        source = locate(FIELDS[study.name][0])
        lines = [line for _, line in read_lines(source)]
        write_text(field, "".join(f"{line}\n" for line in lines[::_FIELD_SHARE]))
        write_text(general, general_text()[_MEASURED:])
    return [field, general]


def task_texts(study: Study) -> Path:
    """Write and return the texts of the task's training split, without labels."""
    path, loaded = study.folder / "task.txt", study.load("all")
    if not path.exists():
        text = kind_of(loaded.task).text
        texts = (" ".join(text(record).split()) for record in loaded.splits["train"])
        write_text(path, "".join(f"{line}\n" for line in texts))
    return path


def model_folder(study: Study, base: BaseFolder, name: str) -> tuple[Path, float]:
    """Return the checkpoint of a model, made if it is not there, and the minutes of training."""
    if name == "base":
        return base.folder, 0.0
    run = train(study, name if name in WAYS else "adapted")
    seconds = sum(
        (read_stage(run.path / stage) or {}).get("result", {}).get("seconds", 0.0)
        for stage in ("head", "pretrain")
    )
    folder = study.folder / "models" / name
    if name in WAYS:
        return run.adapted, seconds / 60
    if not folder.exists():
        end = load_masked_lm(find_base(str(run.adapted), Path()), 0)
        export_model(_changed(base, end, run, name, study.recipe), end, folder)
    return folder, seconds / 60


def _changed(base: BaseFolder, end: LoadedModel, run: RunFolder, name: str, recipe: Recipe) -> Any:
    """Return a model made from the end of training."""
    model = copy.deepcopy(end.model)
    if name == AVERAGE:
        folders = averageable(
            run.checkpoints, N_AVERAGED, recipe.train.save_steps, recipe.train.steps or 0
        )
        set_parameters(model, averaged(folders, [1.0] * N_AVERAGED))
    else:
        set_parameters(model, blended(load_masked_lm(base, 0), end, ALPHAS[name]))
    return model


def bits(study: Study, folder: Path, name: str, session: Session) -> dict[str, float]:
    """Return bits per character of a model on held-out text of the field and on general text.

    The base is measured with the head that it got before training.
    """
    kept = study.folder / "bits" / f"{name}.json"
    if kept.exists():
        return dict(read_json(kept))
    run, limit = RunFolder(study.folder / "runs" / "adapted"), study.recipe.held_out.max_tokens
    store = open_store(run.corpus / "store")
    split = split_documents(store, study.recipe.held_out.fraction)
    texts = {"bits": heldout_texts(store, split, limit)}
    parts = general_text()[:_MEASURED].split("\n")
    texts["general_bits"] = [part for part in parts if len(part.split()) > 5]
    place = run.path / "head" / "model" if name == "base" else folder
    loaded = load_masked_lm(find_base(str(place), Path()), 0)
    length, device = study.recipe.train.max_seq_length, session.accelerator.device
    scores = {
        key: measure_held_out(loaded.model, loaded.tokenizer, some, length, device)
        for key, some in texts.items()
    }
    write_json(kept, found := {key: score.bits_per_character for key, score in scores.items()})
    return found


def rows(study: Study, budgets: list[str], names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield one row per budget and model."""
    base = find_base(study.recipe.base.source, Path(), None, study.recipe.base.sha256)
    folders = {name: model_folder(study, base, name) for name in ("base", *names)}
    models = [
        ModelUnderTest(
            name, folder, sha256_file(folder / "model.safetensors"), base.public_name,
            int(name != "base"), minutes,
        )
        for name, (folder, minutes) in folders.items()
    ]  # fmt: skip
    with open_session(study.folder, Reporter()) as session:
        session = session.with_processes("auto")
        if "adapted" not in folders:
            train(study, "adapted")
        measured = {m.name: bits(study, folders[m.name][0], m.name, session) for m in models}
        for budget in budgets:
            loaded = study.load(budget)
            (report,) = evaluate(models, [loaded], study.recipe.evaluate, session)
            for model in models:
                row = _row(report, model, study, session)
                yield {"field": study.name, "budget": budget, **row, **measured[model.name]}


def _row(
    report: TaskReport, model: ModelUnderTest, study: Study, session: Session
) -> dict[str, Any]:
    """Return the scores of a model, in percent."""
    metric, seeds = report.metric, study.recipe.evaluate.seeds
    paths = [result_path(session.run.results, report.task.name, model.name, s) for s in seeds]
    results = [Result.model_validate_json(path.read_bytes()) for path in paths]
    scores = {
        split: summarise([100 * getattr(result, split)[metric] for result in results])
        for split in ("validation", "test")
    }
    compared = report.comparisons.get(model.name)
    ends = ("difference", "low", "high")
    return {
        "task": report.task.name,
        "model": model.name,
        "metric": metric,
        **{split: round(score.mean, 2) for split, score in scores.items()},
        **{f"{split}_sd": round(score.sd or 0.0, 2) for split, score in scores.items()},
        "values": [round(value, 2) for value in scores["test"].values],
        **({key: round(100 * getattr(compared, key), 2) for key in ends} if compared else {}),
        "verdict": compared.verdict if compared else "",
        "minutes": round(model.minutes, 1),
        "trial_seconds": round(60 * summarise([r.minutes for r in results]).mean, 1),
    }


def main() -> None:
    """Run the study."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--fields", nargs="+", choices=FIELDS, default=list(FIELDS))
    parser.add_argument("--budgets", nargs="+", default=["100", "1000", "all"])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=300)
    given = parser.parse_args()
    names = [name for name in given.models if name != "base"]
    for field in given.fields:
        study = open_study(field, given.folder.resolve(), given.seeds, given.steps)
        for row in rows(study, given.budgets, names):
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
