"""A model as a folder for others: weights, card with results, curves, licences; nothing private."""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from domainbert.corpus.stats import contaminated
from domainbert.errors import UserError
from domainbert.model.classifier import AUTO_CLASSES
from domainbert.model.load import public_name
from domainbert.plugin.components import TaskKind
from domainbert.plugin.registry import component
from domainbert.report.collect import collect
from domainbert.report.compare import Group, group
from domainbert.report.curve import FILE, render_losses
from domainbert.report.licences import OTHER, check_licences
from domainbert.report.page import scale
from domainbert.report.text import cell, templates
from domainbert.run.folder import RunFolder, read_lock
from domainbert.run.metrics import read_metrics
from domainbert.run.stage import read_stage
from domainbert.storage.files import read_json, write_text
from domainbert.tasks.metrics.score import kind_of
from domainbert.tasks.read import column_names

LOSSES, SCORES = "loss.svg", "scores.svg"
_SECRET = re.compile(
    r"\bhf_[A-Za-z0-9]{20,}|\bAKIA[0-9A-Z]{16}\b|\bsk-[A-Za-z0-9_-]{20,}|PRIVATE KEY-----"
    r"|://[^/\s:@]+:[^/\s@]+@"
)
# A folder of this machine, at the start of a value.
_PLACE = re.compile(r"[\s'\"\[,](\.\.[/\\]|/|~/|file://|\\\\|[A-Za-z]:\\)")
_TEXTS = {".json", ".yaml", ".md", ".svg"}
_WORDS = {"tokenizer.json", "vocabulary.json", "vocab.json"}
_WIDTH, _LEFT, _RIGHT, _ROW = 560, 162, 440, 18


@dataclass(frozen=True)
class Publication:
    """A model of a run, to be written for others.

    Args:
        run: The run.
        model: Folder of the model: `model/` of the run, or a fine-tuned one.
        name: Of the repository or folder, for titles and examples.
        licence: Identifier on the hub.
        licences: Of the base and of the data of a fine-tuned model, by name, in words.
        about: Content of `task.json` of a fine-tuned model; empty for the encoder.
    """

    run: RunFolder
    model: Path
    name: str
    licence: str
    licences: Mapping[str, str]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pipeline(self) -> str:
        """The hub's word for what the model does."""
        return (self.kind.pipeline or "feature-extraction") if self.kind else "fill-mask"

    @property
    def kind(self) -> TaskKind | None:
        """Kind of the task of a fine-tuned model; None for the encoder."""
        return component(TaskKind, self.about["task"]["kind"]) if self.about else None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Columns of the rows that a fine-tuned model reads; none for plain texts."""
        own = () if self.kind is None or self.kind.passages else self.kind.inputs
        return tuple(self.about.get("inputs", own))

    @property
    def columns(self) -> str:
        """Names of these columns, for people."""
        return column_names(self.about.get("columns", {}), self.inputs)

    @property
    def call(self) -> str:
        """Argument of transformers' pipeline for a fine-tuned model; empty where none reads it."""
        return self.kind.call(self.inputs) if self.kind and self.auto_class else ""

    @property
    def auto_class(self) -> str:
        """Transformers' class for a fine-tuned model; empty for a head of our own."""
        return AUTO_CLASSES.get(self.about.get("head", ""), "")


def write_publication(publication: Publication, folder: Path) -> list[str]:
    """Write all files of a publication into an empty folder; return notices.

    Args:
        publication: The model and its run.
        folder: Is there and empty.

    Raises:
        UserError: The run is not finished or has no results, a licence forbids it, or a file has
            something that looks like a secret.
        DataError: A result is damaged.
    """
    run, notices = publication.run, list[str]()
    if not run.card.is_file():
        raise UserError(f"{run.path}: the run is not finished. Continue it first.")
    if read_lock(run)["recipe"]["hash"] not in run.card.read_text("utf-8"):
        raise UserError(f"{run.path}: its card is of another recipe. Continue the run first.")
    if not any(run.results.glob("*/*-seed-*.json")):
        raise UserError(
            f"{run.path}: has no results, so nothing is known of the model. Name `tasks` in the "
            "recipe and run it again: finished stages stay."
        )
    manifest = read_json(run.corpus / "store" / "manifest.json")
    chain = {
        **publication.licences,
        **{item["corpus"]: item["licence"] for item in manifest["sources"]},
    }
    check_licences(publication.licence, chain)
    shutil.copytree(publication.model, folder, dirs_exist_ok=True)
    if not publication.about and run.adapter.is_dir() and _is_end(run):
        shutil.copytree(run.adapter, folder / "adapter")
    recipe = run.recipe.read_text("utf-8")
    if _PLACE.search(recipe):
        notices.append("recipe.yaml is left out: it names folders of this machine.")
    else:
        write_text(folder / "recipe.yaml", recipe)
    groups = _groups(run)
    write_text(folder / SCORES, _scores(groups))
    losses = _losses(run)
    if losses:
        write_text(folder / LOSSES, render_losses(losses))
    if not publication.about and (run.path / FILE).is_file():
        shutil.copyfile(run.path / FILE, folder / FILE)
    write_text(folder / "README.md", _card(publication, groups, manifest, chain, bool(losses)))
    _refuse_secrets(folder, {str(place) for place in (run.path.resolve().parent, Path.home())})
    return notices


def _is_end(run: RunFolder) -> bool:
    """Return whether the end of training is handed over, to which the adapter belongs."""
    blend = (read_stage(run.path / "blend") or {}).get("result", {})
    return (blend.get("alpha"), blend.get("average")) == (1.0, "none")


def _groups(run: RunFolder) -> dict[str, list[Group]]:
    """Return the results of each model by task, base first, baselines last."""
    results, _ = collect([str(run.results)])
    by_model = defaultdict(list)
    for scored in results:
        by_model[scored.result.task.name, scored.result.model.name].append(scored)
    tasks: dict[str, list[Group]] = defaultdict(list)
    first = {"base": 0, "adapted": 1, "blend": 2}
    for (task, _), several in sorted(
        by_model.items(), key=lambda item: (item[0][0], first.get(item[0][1], 3), item[0][1])
    ):
        tasks[task].append(group(several))
    return dict(tasks)


def _card(
    publication: Publication,
    groups: Mapping[str, Sequence[Group]],
    manifest: Mapping[str, Any],
    chain: Mapping[str, str],
    has_losses: bool,
) -> str:
    """Return the card: header of the hub, how to use it, sections of the run's own card."""
    own = publication.run.card.read_text("utf-8")
    _, header, body = re.split(r"^---$", own, maxsplit=2, flags=re.MULTILINE)
    sections = {part.partition("\n")[0]: part for part in re.split(r"^## ", body, flags=re.M)[1:]}
    intro = re.split(r"^## ", body, maxsplit=1, flags=re.M)[0]
    kept = ["Held-out text", "Between base and end of training", "Tasks"]
    if publication.about:
        kept = ["Tasks"]
    return (
        templates()
        .get_template("publication.md.j2")
        .render(
            header=_header(publication, groups, header),
            publication=publication,
            intro=intro.strip(),
            sections=[f"## {sections[name].strip()}" for name in kept if name in sections],
            losses=LOSSES if has_losses else "",
            scores=SCORES,
            contaminated=contaminated(manifest),
            manifest=manifest,
            chain=[(cell(name), cell(words)) for name, words in chain.items()],
            is_other=publication.licence == OTHER,
        )
    )


def _header(publication: Publication, groups: Mapping[str, Sequence[Group]], own: str) -> str:
    """Return the YAML of the hub, with the results of the published model."""
    import yaml
    from huggingface_hub import EvalResult, ModelCardData

    known = yaml.safe_load(own)
    results = []
    for task, several in groups.items():
        found = _published(publication, task, several)
        if found is None:
            continue
        low, high = (round(100 * end, 2) for end in found.interval())
        metric, n_seeds = found.first.result.metric, len(found.seeds)
        results.append(
            EvalResult(
                task_type=kind_of(found.first.result.task).pipeline or "other",
                dataset_type=task,
                dataset_name=task,
                dataset_split="test",
                metric_type=metric,
                metric_value=round(100 * found.primary.mean, 2),
                metric_name=f"{metric}, mean of {n_seeds} seeds; 95 % interval {low} to {high}",
            )
        )
    extra: dict[str, Any] = {}
    if publication.licence == OTHER:
        extra = {"license_name": "those-of-base-and-sources", "license_link": "README.md"}
    data = ModelCardData(
        base_model=known.get("base_model"),
        datasets=known.get("datasets"),
        language=known.get("language"),
        library_name="transformers",
        license=publication.licence,
        model_name=publication.name,
        eval_results=results or None,
        pipeline_tag=publication.pipeline,
        tags=known.get("tags"),
        **extra,
    )
    return str(data.to_yaml()).strip()


def _published(publication: Publication, task: str, several: Sequence[Group]) -> Group | None:
    """Return the results of the model that is published; those of its seeds, for a fine-tuned."""
    by_name = {one.first.result.model.name: one for one in several}
    if publication.about:
        is_own = publication.about["task"]["name"] == task
        return by_name.get(publication.about["model"]) if is_own else None
    return by_name.get("blend", by_name.get("adapted"))


def _losses(run: RunFolder) -> dict[str, list[tuple[int, float]]]:
    lines: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for entry in read_metrics(run):
        if "loss" in entry:
            lines[entry["phase"]].append((entry["step"], entry["loss"]))
    return dict(lines)


def _scores(groups: Mapping[str, Sequence[Group]]) -> str:
    """Return a picture of means with intervals, a table of rows per task."""
    tables, y = [], 20
    for task, several in groups.items():
        ends = [(one.primary.mean, *one.interval()) for one in several]
        low, high = min(low for _, low, _ in ends), max(high for _, _, high in ends)
        margin = 0.05 * (high - low) or 0.01
        x = scale(low - margin, high + margin, _LEFT, _RIGHT)
        rows = [
            {
                "name": one.first.result.model.name, "y": y + _ROW * (n + 1), "mean": x(mean),
                "low": x(first), "high": x(last),
                "label": f"{100 * mean:.2f} ({100 * first:.2f} to {100 * last:.2f})",
            }
            for n, (one, (mean, first, last)) in enumerate(zip(several, ends, strict=True))
        ]  # fmt: skip
        title = f"{task}: {several[0].first.result.metric}, %"
        tables.append({"title": title, "y": y, "rows": rows})
        y += _ROW * (len(rows) + 1) + 14
    template = templates(autoescape=True).get_template("scores.svg.j2")
    return str(template.render(tables=tables, width=_WIDTH, height=y))


def _refuse_secrets(folder: Path, places: set[str]) -> None:
    """Refuse what looks like a secret, and folders of this machine."""
    own = {place for place in places if place.count("/") > 1}
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _TEXTS or path.name in _WORDS or not path.is_file():
            continue
        with path.open(encoding="utf-8", errors="replace") as stream:
            for number, line in enumerate(stream, 1):
                what = "has what looks like a password or a token" if _SECRET.search(line) else ""
                if any(place in line for place in own):
                    what = "names a folder of this machine"
                if what:
                    where = f"{path.relative_to(folder).as_posix()}:{number}"
                    raise UserError(
                        f"{where}: {what}. Nothing was published; take it out of the recipe or "
                        "the file that it comes from."
                    )


def base_name(run: RunFolder) -> str:
    """Return the name of a run's base, for the chain of licences."""
    return public_name(str(read_lock(run).get("base", {}).get("source", "base")))
