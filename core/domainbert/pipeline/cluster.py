"""Build a corpus in parts, under an executor of `datatrove`: processes here, SLURM or Ray."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from domainbert.corpus.build import Encoder
from domainbert.corpus.parts import Parts
from domainbert.errors import RecipeError, Stopped, UserError
from domainbert.model.fresh import base_of
from domainbert.pipeline.adapt import adapt
from domainbert.pipeline.choose import Chosen, load_registry
from domainbert.plugin.registry import Registry
from domainbert.recipe.schema import Recipe
from domainbert.recipe.yaml import read_yaml
from domainbert.run.folder import open_run, owned, update_lock
from domainbert.run.progress import Reporter
from domainbert.run.session import Session, open_session
from domainbert.run.stage import check_stage, is_done
from domainbert.stages.corpus import parts_folder
from domainbert.stages.inputs import corpus_units, locate, locate_corpus
from domainbert.stages.plan import plan_stages
from domainbert.storage.files import make_folder
from domainbert.storage.locate import Fetcher
from domainbert.tokenizer.load import load_tokenizer

_EXECUTORS = {
    "local": "datatrove.executor.local.LocalPipelineExecutor",
    "slurm": "datatrove.executor.slurm.SlurmPipelineExecutor",
    "ray": "datatrove.executor.ray.RayPipelineExecutor",
}
_OURS = (
    "pipeline", "logging_dir", "depends", "skip_completed", "local_tasks", "local_rank_offset",
)  # fmt: skip
_DEFAULT_TASKS = 8


@dataclass(frozen=True)
class Work:
    """What every task of a build needs; it travels to other processes and machines.

    Args:
        content: The recipe as JSON values, without secrets: executors write it down.
        pins: Commits of data sets of the hub.
        folder: Its relative paths start here.
        run: Run folder.
        plugins: Files given with `--plugin`.
        parts: Folder of the parts.
    """

    content: Mapping[str, Any] = field(repr=False)
    pins: Mapping[str, str]
    folder: Path
    run: Path
    plugins: tuple[Path, ...]
    parts: Path

    @property
    def recipe(self) -> Recipe:
        """The recipe."""
        return Recipe.model_validate(self.content)

    def open(self) -> tuple[Parts, Registry]:
        """Return the parts, with sources and steps, and the plugins."""
        registry = load_registry(self.plugins)
        fetcher = Fetcher(pins=dict(self.pins))
        sources, _, steps = locate_corpus(self.recipe, registry, self.folder, fetcher, self.run)
        return Parts(self.parts, sources, steps), registry

    def encoder(self, registry: Registry) -> Encoder:
        """Return the tokenizer of the base, and the units that masking needs."""
        found = base_of(self.recipe, self.folder)
        domain = registry.domain(self.recipe.domain) if self.recipe.domain else None
        return Encoder(load_tokenizer(found.folder), corpus_units(self.recipe.train, domain))


def build_apart(
    chosen: Chosen, out: Path, plugins: tuple[Path, ...], cluster: Path | int, reporter: Reporter
) -> bool:
    """Build the corpus of a recipe in parts; the same call continues a build that was stopped.

    Args:
        chosen: The recipe.
        out: Run folder.
        plugins: Files given with `--plugin`.
        cluster: A YAML file with `executor` (`local`, `slurm` or `ray`), `tasks`, and options of
            this executor of `datatrove`; or a number of processes here.
        reporter: Where progress is shown.

    Returns:
        Whether the corpus is built; False where jobs were submitted that will do it.

    Raises:
        UserError: As of `adapt`; or the executor is not installed or does not take its options.
    """
    executor, tasks, options = _executor(cluster)
    registry = load_registry(plugins)
    with open_session(out, reporter) as session:
        inputs = locate(chosen.recipe, chosen.folder, registry, session)
        stage = plan_stages(chosen.recipe, inputs, session.run).corpus
        check_stage(stage)
        with open_run(session.run, chosen.recipe, chosen.folder, session.is_main):
            # The folder is a run from here on.
            if inputs.pins:
                update_lock(session.run, datasets=dict(inputs.pins))
        if not is_done(stage):
            content = chosen.recipe.model_dump(mode="json", exclude_defaults=True)
            places = chosen.folder.resolve(), out.resolve(), tuple(p.resolve() for p in plugins)
            work = Work(content, dict(inputs.pins), *places, parts_folder(stage).resolve())
            reporter.say(f"corpus: {len(inputs.sources):,} files in {tasks} tasks → {work.parts}")
            if _run(work, executor, tasks, options, session):
                return False
    adapt(chosen.recipe, chosen.folder, out, registry, reporter, "corpus")
    return True


def _executor(cluster: Path | int) -> tuple[type, int, dict[str, Any]]:
    """Return the class of an executor, the number of its tasks, and its other options."""
    if isinstance(cluster, int):
        given: dict[str, Any] = {"executor": "local", "tasks": cluster, "workers": cluster}
    else:
        given = dict(read_yaml(cluster).data)
    name, tasks = given.pop("executor", None), given.pop("tasks", _DEFAULT_TASKS)
    if not isinstance(name, str) or name not in _EXECUTORS:
        raise RecipeError(f"{cluster}: executor: expected one of {', '.join(_EXECUTORS)}.")
    if not isinstance(tasks, int) or tasks < 1:
        raise RecipeError(f"{cluster}: tasks: expected a number from 1, found {tasks!r}.")
    if ours := next((key for key in _OURS if key in given), None):
        raise RecipeError(f"{cluster}: {ours}: is set by domainbert; leave it out.")
    needed = ("datatrove", "ray") if name == "ray" else ("datatrove",)
    if lacking := [package for package in needed if find_spec(package) is None]:
        extra = " ".join(["'domainbert[cluster]'", *needed[1:]])
        raise UserError(f"{lacking[0]} is not installed. Install it: pip install {extra}")
    if name == "slurm" and shutil.which("sbatch") is None:
        raise UserError("executor: slurm: no command `sbatch` here. Run this on a login node.")
    module, _, attribute = _EXECUTORS[name].rpartition(".")
    return getattr(import_module(module), attribute), tasks, given


def _run(
    work: Work, executor: Any, tasks: int, options: Mapping[str, Any], session: Session
) -> bool:
    """Run the tasks of a build, or submit them with one that ends it; tell which."""
    jobs: list[tuple[str, Callable[..., None], int]] = [
        ("read", read_files, tasks), ("join", join_files, 1), ("tokenise", tokenise_blocks, tasks),
    ]  # fmt: skip
    if "slurm" in executor.__module__:
        jobs.append(("store", write_store, 1))
        last: Any = None
        for job in jobs:
            last = _made(work, executor, job, {**options, "depends": last})
        last.run()
        return True
    with owned(work.run):
        for job in jobs:
            with _apart(work.parts / "logs" / f"{job[0]}.txt", session):
                _made(work, executor, job, options).run()
    return False


def _made(work: Work, executor: Any, job: tuple[str, Any, int], options: Mapping[str, Any]) -> Any:
    """Return an executor of one job. What is done is known by folders, and is not done again."""
    name, task, number = job
    given = {**options, "tasks": number, "skip_completed": False}
    try:
        logs = str(work.parts / "logs" / name)
        return executor([partial(task, work=work)], logging_dir=logs, **given)
    except (TypeError, ValueError) as error:
        raise RecipeError(f"executor: {error}. See the options of `datatrove`.") from None


@contextmanager
def _apart(path: Path, session: Session) -> Iterator[None]:
    """Run a job whose stderr goes to a file; errors are raised. The first signal ends the process.

    An exception would wait for the executor's pool, and for ever if a worker got the signal too.
    """
    make_folder(path.parent)
    saved = os.dup(2)

    def end_if_told() -> None:
        try:
            session.check_stop(kept="whole parts are kept")
        except Stopped as stopped:
            for child in psutil.Process().children(recursive=True):
                with suppress(psutil.NoSuchProcess):
                    child.kill()
            os.dup2(saved, 2)
            session.reporter.say(f"error: {stopped}")
            os._exit(stopped.exit_code)

    try:
        with session.interruptible(end_if_told), path.open("ab") as stream:
            os.dup2(stream.fileno(), 2)
            yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


def read_files(_data: Any, rank: int, world_size: int, work: Work) -> None:
    """Read every file of which this is the rank."""
    parts, _ = work.open()
    for number in range(rank, len(parts.sources), world_size):
        parts.read(number)


def join_files(_data: Any, _rank: int, _world_size: int, work: Work) -> None:
    """Run the steps that see all documents."""
    work.open()[0].join()


def tokenise_blocks(_data: Any, rank: int, world_size: int, work: Work) -> None:
    """Tokenise every block of which this is the rank."""
    parts, registry = work.open()
    encode = work.encoder(registry).encode
    for number in range(rank, parts.n_blocks(), world_size):
        parts.tokenise(number, encode)


def write_store(_data: Any, _rank: int, _world_size: int, work: Work) -> None:
    """Write the token store of the parts, as the stage `corpus` of the run."""
    registry = load_registry(work.plugins)
    adapt(work.recipe, work.folder, work.run, registry, Reporter(), "corpus")
