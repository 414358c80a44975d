"""Experiment trackers by name, through Accelerate: they get the lines of `metrics.jsonl`.

A run that goes on repeats steps since its last checkpoint, with the same numbers. What a tracker
has, it is not given again: `trackers/state.json` knows the last step sent. Steps of a head before a
vocabulary is extended are those of a run of its own, in `base/`, and are not sent.
"""

from __future__ import annotations

import importlib.util
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from domainbert.errors import RecipeError
from domainbert.storage.files import read_json, write_json

if TYPE_CHECKING:
    from domainbert.run.folder import RunFolder
    from domainbert.run.session import Session

_PROJECT = "domainbert"


def check_trackers(names: tuple[str, ...]) -> None:
    """Refuse a tracker that is not installed.

    Raises:
        RecipeError: With the line that installs it.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise RecipeError(
                f"train.trackers: {name!r} is not installed. Install it: pip install {name}"
            )


@contextmanager
def tracked(session: Session, names: tuple[str, ...]) -> Iterator[None]:
    """Start trackers in the main process, and finish them when the block ends.

    Args:
        session: The run.
        names: Of the recipe.

    Raises:
        RecipeError: A tracker cannot be started.
    """
    accelerator = session.accelerator
    if not (names and session.is_main):
        yield
        return
    _start(session, names)
    try:
        yield
    finally:
        # Not `end_training`, which ends the group of processes too.
        for tracker in tuple(accelerator.trackers):
            with _harmless(session, tracker):
                tracker.finish()
        accelerator.trackers.clear()


def track(session: Session, entry: dict[str, Any]) -> None:
    """Send a line of the metrics to the trackers, if they do not have it.

    A tracker that fails is left out from then on: it must not cost the run.
    """
    trackers = session.accelerator.trackers
    if not trackers:
        return
    path = (session.run.path / "trackers") / "state.json"
    state = read_json(path)
    if entry["step"] <= state["step"]:
        return
    values = {key: entry[key] for key in entry.keys() - {"step"}}
    for tracker in tuple(trackers):
        # Not the accelerator's `log`, in which one that fails would silence those after it.
        with _harmless(session, tracker):
            tracker.log(values, step=entry["step"])
    write_json(path, {**state, "step": entry["step"]})


@contextmanager
def _harmless(session: Session, tracker: Any) -> Iterator[None]:
    """Leave out a tracker that fails in the block."""
    try:
        yield
    except Exception as error:
        # Its message may hold an address or a key.
        what = f"{tracker.name}: {type(error).__name__}"
        session.reporter.say(f"trackers: {what}; nothing more is sent to it")
        session.accelerator.trackers.remove(tracker)


def _start(session: Session, names: tuple[str, ...]) -> None:
    from accelerate.utils import ProjectConfiguration

    accelerator, folder = session.accelerator, (session.run.path / "trackers").resolve()
    path = folder / "state.json"
    # A name of its own for each run folder: the same recipe may be run again elsewhere.
    state = read_json(path) if path.is_file() else {"step": 0, "id": secrets.token_hex(8)}
    folder.mkdir(parents=True, exist_ok=True)
    # Below the run folder, and silent, unless the environment says otherwise.
    for name, value in (
        ("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}"),
        ("TRACKIO_DIR", str(folder / "trackio")),
        ("WANDB_SILENT", "true"),
        ("WANDB_CONSOLE", "off"),
    ):
        os.environ.setdefault(name, value)
    accelerator.project_configuration = ProjectConfiguration(str(folder), str(folder))
    accelerator.log_with = list(dict.fromkeys(names))
    try:
        # They greet with addresses.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            accelerator.init_trackers(_PROJECT, init_kwargs=_options(session.run, folder, state))
    except Exception as error:
        accelerator.trackers.clear()
        raise RecipeError(
            f"train.trackers: {', '.join(names)} could not be started ({type(error).__name__}). "
            "Log in with its own command or set it to work offline, or leave it out."
        ) from None
    for tracker in accelerator.trackers:
        if tracker.name == "mlflow":
            state["mlflow"] = tracker.tracker.info.run_id
    write_json(path, state)


def _options(run: RunFolder, folder: Path, state: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what makes each tracker go on where it was."""
    name = run.path.resolve().name
    return {
        # What was written after the last step known to be sent is dropped by its reader.
        "tensorboard": {"purge_step": state["step"] + 1},
        "wandb": {"dir": str(folder), "name": name, "id": state["id"], "resume": "allow"},
        "trackio": {"name": f"{name}-{state['id']}", "resume": "allow"},
        "mlflow": {
            "run_name": name,
            "run_id": state.get("mlflow"),
            "logging_dir": (folder / "mlflow").as_uri(),
        },
    }
