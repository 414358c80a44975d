"""Experiment trackers by name, through Accelerate: they get the lines of `metrics.jsonl`.

A run that goes on repeats steps since its last checkpoint, with the same numbers. What a tracker
has, it is not given again: `trackers/state.json` knows the last step sent. Steps that train a new
head are not sent: after them a vocabulary may grow, and steps count from zero again.
"""

from __future__ import annotations

import importlib.util
import io
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TYPE_CHECKING, Any

from domainbert.errors import RecipeError
from domainbert.storage.files import read_json, write_json

if TYPE_CHECKING:
    from domainbert.run.session import Session


def check_trackers(names: tuple[str, ...]) -> None:
    """Refuse a tracker that is not installed.

    Raises:
        RecipeError: With the line that installs it.
    """
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise RecipeError(f"train.trackers: {name!r} is not installed: pip install {name}")


@contextmanager
def tracked(session: Session, names: tuple[str, ...]) -> Iterator[None]:
    """Start trackers in the main process, and finish them when the block ends.

    Args:
        session: The run.
        names: Of the recipe.

    Raises:
        RecipeError: A tracker cannot be started.
    """
    if not (names and session.is_main):
        yield
        return
    _start(session, names)
    try:
        yield
    finally:
        # Not `end_training`, which ends the group of processes too.
        _tell_all(session, lambda tracker: tracker.finish())
        session.accelerator.trackers.clear()


def track(session: Session, entry: dict[str, Any]) -> None:
    """Send a line of the metrics to the trackers, if they do not have it.

    A tracker that fails is left out from then on: it must not cost the run.
    """
    if not session.accelerator.trackers:
        return
    path = session.run.path / "trackers" / "state.json"
    state, step = read_json(path), entry["step"]
    if step > state["step"]:
        values = {key: entry[key] for key in entry.keys() - {"step"}}
        _tell_all(session, lambda tracker: tracker.log(values, step=step))
        write_json(path, {**state, "step": step})


def _tell_all(session: Session, message: Callable[[Any], object]) -> None:
    """Call each tracker; one that fails is left out, and does not silence those after it."""
    for tracker in tuple(session.accelerator.trackers):
        try:
            message(tracker)
        except Exception as error:
            # Its message may hold an address or a key.
            what = f"{tracker.name}: {type(error).__name__}"
            session.reporter.say(f"trackers: {what}; nothing more is sent to it")
            session.accelerator.trackers.remove(tracker)


def _start(session: Session, names: tuple[str, ...]) -> None:
    """Start trackers, each where it stopped in this run folder."""
    from accelerate.utils import ProjectConfiguration

    accelerator, folder = session.accelerator, (session.run.path / "trackers").resolve()
    path, name = folder / "state.json", folder.parent.name
    # The id belongs to the run folder: the same recipe may run again elsewhere.
    new = {"step": 0, "id": secrets.token_hex(8)}
    state: dict[str, Any] = read_json(path) if path.is_file() else new
    folder.mkdir(parents=True, exist_ok=True)
    # Below the run folder, and silent, unless the environment says otherwise.
    database, trackio = f"sqlite:///{folder / 'mlflow.db'}", str(folder / "trackio")
    places = {"MLFLOW_TRACKING_URI": database, "TRACKIO_DIR": trackio}
    os.environ |= {**places, "WANDB_SILENT": "true", "WANDB_CONSOLE": "off", **os.environ}
    mlflow = {"run_id": state.get("mlflow"), "logging_dir": (folder / "mlflow").as_uri()}
    options: dict[str, dict[str, Any]] = {
        # What was written after the last step known to be sent is dropped by its reader.
        "tensorboard": {"purge_step": state["step"] + 1},
        "wandb": {"dir": str(folder), "name": name, "id": state["id"], "resume": "allow"},
        "trackio": {"name": f"{name}-{state['id']}", "resume": "allow"},
        "mlflow": {"run_name": name, **mlflow},
    }
    accelerator.project_configuration = ProjectConfiguration(str(folder), str(folder))
    accelerator.log_with = list(dict.fromkeys(names))
    try:
        # They greet with addresses.
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            accelerator.init_trackers("domainbert", init_kwargs=options)
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
