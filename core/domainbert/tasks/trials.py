"""Trials: fine-tuning runs whose results are files, shared out over the processes of a run."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from domainbert.errors import RunFailed
from domainbert.plugin.components import Baseline, LoadedTask, Predictions
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.recipe.lora import LoraSection
from domainbert.run.session import Session
from domainbert.storage.files import sha256_of
from domainbert.tasks.metrics.score import check_predictions, kind_of, marked


class Trial(Protocol):
    """One model on one task with one seed."""

    @property
    def title(self) -> str:
        """What messages call it."""

    @property
    def path(self) -> Path:
        """File of its result."""

    @property
    def group(self) -> tuple[str, ...]:
        """What trials have in common that load one model and encode one task."""

    @property
    def seed(self) -> int:
        """Seed of fine-tuning."""


class Tuned(NamedTuple):
    """A fine-tuned model.

    Args:
        candidate: The model; None for a baseline.
        size: Number of the encoder's weights.
        counts: Remarks on its windows of the test split, such as `long_texts`.
    """

    candidate: Any = None
    size: int = 0
    counts: Mapping[str, int] = MappingProxyType({})

    @property
    def chosen(self) -> dict[str, float]:
        """Choices made on validation, as results store them."""
        if self.candidate is None:
            return {}
        settings, epoch = self.candidate.settings, self.candidate.epoch
        chosen = {} if epoch is None else {"epoch": float(epoch)}
        if settings.grid is None:
            return chosen
        point = {"learning_rate": settings.learning_rate, "epochs": float(settings.epochs)}
        return point | chosen


# Settings that a task reads of which nothing is fine-tuned.
_READ = "max_seq_length", "long_texts", "baselines"
_DEFAULTS = EvaluateSection().model_dump()
T = TypeVar("T", bound=Trial)
R = TypeVar("R")


def run_trials(
    trials: Sequence[T],
    session: Session,
    finished: Callable[[T], R | None],
    run: Callable[[list[T]], None],
) -> list[R]:
    """Run the trials that are not finished, and return the results of all.

    Args:
        trials: Those of one group stand together.
        session: Each of its processes runs a share of them, or of those of its shard.
        finished: Reads the result of a trial; None if it has none.
        run: Runs unfinished trials of one group, and writes their results.

    Returns:
        Results in the order of the trials; in other ranks than the first an empty list, and in a
        shard if other shards have not finished.

    Raises:
        RunFailed: A result is gone right after it was written.
        Stopped: A signal; finished trials are kept.
    """
    shard = trials[session.shard.number - 1 :: session.shard.count]
    mine = shard[session.accelerator.process_index :: session.accelerator.num_processes]
    for _, group in groupby(mine, key=lambda trial: trial.group):
        if unfinished := [trial for trial in group if finished(trial) is None]:
            run(unfinished)
    if not session.is_main:
        return []
    results: dict[Path, R] = {}
    # Files tell rank 0: a collective operation would wait for the slowest trial.
    for trial in shard:
        while (result := finished(trial)) is None:
            if trial in mine:
                raise RunFailed(f"{trial.path}: missing or changed while it was evaluated.")
            session.check_stop("waiting for other ranks")
            time.sleep(0.5)
        results[trial.path] = result
    for trial in trials if session.shard.count > 1 else ():
        if trial.path not in results and (result := finished(trial)) is not None:
            results[trial.path] = result
    if missing := len(trials) - len(results):
        done = f"{len(results):,} of {len(trials):,} trials are finished"
        belong = "belongs" if missing == 1 else "belong"
        session.reporter.say(f"{done}; {missing:,} {belong} to other shards. The last one reports")
        return []
    return [results[trial.path] for trial in trials]


def stored_settings(
    settings: EvaluateSection, loaded: LoadedTask, session: Session
) -> dict[str, Any]:
    """Return the settings of fine-tuning as results store them.

    A floor of steps that decides nothing is stored as 1, like the results of before there was one.
    Where nothing learns, `steps` is 0.
    """
    settings = section_of(loaded, settings)
    stored = settings.model_dump(mode="json", exclude={"seeds", "baselines", "keep"})
    precision = {"precision": "bf16" if session.bf16 else "fp32"}
    if not kind_of(loaded.task).learns:
        return stored | {"steps": 0, "min_steps": 1} | precision
    tried = settings.grid.epochs if settings.grid else ()
    epochs = min(tried or (settings.epochs,))
    steps = epochs * math.ceil(len(loaded.splits["train"]) / settings.batch_size)
    if settings.steps is not None or steps >= settings.min_steps:
        stored["min_steps"] = 1
    return stored | precision


def section_of(loaded: LoadedTask, settings: EvaluateSection) -> EvaluateSection:
    """Return the settings of a task, with the default for those that decide nothing there.

    So a change of what decides nothing makes no trial again.
    """
    if kind_of(loaded.task).learns:
        plain = {key: _DEFAULTS[key] for key in idle_keys(loaded, settings)}
        plain |= {"lora": None} if settings.lora == LoraSection() else {}
        return settings.model_copy(update=plain)
    read = {key: getattr(settings, key) for key in _READ}
    return EvaluateSection(**read, seeds=(0,), method="frozen", keep="none")


def idle_keys(loaded: LoadedTask, settings: EvaluateSection) -> set[str]:
    """Return the keys of `evaluate` that decide nothing for a task that learns."""
    idle = {key for key in ("learning_rate", "epochs") if getattr(settings.grid, key, ())}
    idle |= {"epochs", "min_steps"} if settings.steps is not None else set()
    idle |= {"layerwise_lr_decay"} if settings.method == "frozen" else set()
    return idle | {*kind_of(loaded.task).unread}


def unused_settings(tasks: Sequence[LoadedTask], settings: EvaluateSection) -> list[str]:
    """Return the notices on settings that decide nothing for a task."""
    changed = settings.model_dump(exclude_defaults=True).keys()
    lines: dict[str, list[str]] = {}
    for loaded in tasks:
        learns = kind_of(loaded.task).learns
        idle = idle_keys(loaded, settings) if learns else changed - {*_READ, "seeds"}
        why = ("nothing is fine-tuned, so this is ignored there", "these change nothing")[learns]
        if named := ", ".join(f"`evaluate.{key}`" for key in sorted(changed & idle)):
            lines.setdefault(f"{why}: {named}", []).append(loaded.task.name)
    return [f"notice: {', '.join(names)}: {why}" for why, names in lines.items()]


def tuned_section(settings: EvaluateSection, baseline: Baseline) -> EvaluateSection:
    """Return the settings with which a baseline fine-tunes the first model; it is not kept."""
    plain = {"unfreeze": "all", "layerwise_lr_decay": 1.0, "lora": None, "keep": "none"}
    return EvaluateSection.model_validate({**settings.model_dump(), **plain, **baseline.tuned})


def tuned_predictions(
    checkpoint: tuple[Path, str | None, str],
    loaded: LoadedTask,
    trials: Sequence[T],
    settings: EvaluateSection,
    session: Session,
    splits: Sequence[str] = ("validation", "test"),
) -> Iterator[tuple[T, Predictions, Tuned]]:
    """Fine-tune one model on one task with several seeds, from one load and one tokenisation.

    Args:
        checkpoint: Folder, hash of its weights, and what messages call the model.
        loaded: The task.
        trials: Give the seeds.
        settings: Of fine-tuning; without it, those of `section_of`.
        session: Device, progress, signals.
        splits: Those to predict.

    Yields:
        Trial, predictions, and the model that made them.
    """
    from domainbert.model import check
    from domainbert.tasks.candidate import predict, prepare
    from domainbert.tasks.finetune import finetune
    from domainbert.tasks.grid import choose_point

    folder, sha256, name = checkpoint
    settings = section_of(loaded, settings)
    check.check_unchanged(folder, sha256, f"model {name!r}")
    candidate = prepare(folder, loaded, settings, session, splits)
    if settings.grid is not None:
        title = f"{loaded.task.name}: {name}"
        weights = sha256 or check.hash_weights(check.weight_files(folder, title))
        task, stored = loaded.task, stored_settings(settings, loaded, session)
        read = task.version, task.multi_label, sorted(task.levels.items()), task.null_label
        tokens, data = check.hash_tokenizer(folder), sorted(task.data.items())
        made_from = weights, tokens, task.kind, task.labels, data, read, stored
        name_of_file = f"grid-{sha256_of(repr(made_from))[:16]}.json"
        path = session.run.validation / task.name / name_of_file
        candidate = choose_point(candidate, settings.grid, title, path)
    kind, size = candidate.kind, sum(p.numel() for p in candidate.model.encoder.parameters())
    with calling(kind):
        read = loaded.splits["test"] if "test" in splits else ()
        n_long = kind.count_long(read, candidate.tokenizer, settings.max_seq_length)
    counts = Counter(n_long if isinstance(n_long, Mapping) else {"long_texts": n_long})
    for trial in trials:
        with session.reporter.bar(trial.title) as bar:
            tuned = finetune(candidate, trial.seed, bar)
        predictions = predict(tuned)
        check_predictions(kind, loaded, predictions, splits)
        yield trial, marked(loaded, predictions), Tuned(tuned, size, +counts)
