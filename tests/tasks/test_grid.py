from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from helpers.tasks import SETTINGS, classification
from pydantic import ValidationError

import domainbert.tasks.grid
from domainbert.recipe.evaluate import EvaluateSection, GridSection
from domainbert.run.session import Session
from domainbert.tasks.candidate import prepare, validation_score
from domainbert.tasks.grid import choose_point, grid_settings
from domainbert.tasks.trials import stored_settings, tuned_predictions

Folder = Callable[[str], Path]
GRID = GridSection(learning_rate=(1e-6, 1e-2), epochs=(1, 4))


def test_points_are_all_pairs_and_keep_the_other_settings() -> None:
    points = grid_settings(SETTINGS, GRID)
    assert [(p.learning_rate, p.epochs) for p in points] == [
        (1e-6, 1), (1e-6, 4), (1e-2, 1), (1e-2, 4),
    ]  # fmt: skip
    assert {p.batch_size for p in points} == {SETTINGS.batch_size}
    only = grid_settings(SETTINGS, GridSection(learning_rate=(1e-5, 1e-4)))
    assert {p.epochs for p in only} == {SETTINGS.epochs}


def test_a_floor_of_steps_is_stored_where_it_decides_at_a_point(session: Session) -> None:
    loaded = classification()
    steps = math.ceil(len(loaded.splits["train"]) / SETTINGS.batch_size)
    for epochs, floor in ((1, 2 * steps), (4, 1)):
        grid = GridSection(epochs=(epochs, 8))
        changes = {"grid": grid, "epochs": 8, "min_steps": 2 * steps, "steps": None}
        settings = SETTINGS.model_copy(update=changes)
        assert stored_settings(settings, loaded, session)["min_steps"] == floor


def test_the_best_on_validation_is_taken_and_no_fit_is_repeated(
    family_folder: Folder, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SETTINGS.model_copy(update={"grid": GRID})
    candidate = prepare(family_folder("bert"), classification(), settings, session, ["validation"])
    fits: list[Any] = []
    plain = domainbert.tasks.grid.finetune

    def counted(candidate: Any, seed: int, bar: Any) -> Any:
        fits.append(plain(candidate, seed, bar))
        return fits[-1]

    monkeypatch.setattr(domainbert.tasks.grid, "finetune", counted)
    path = tmp_path / "grid.json"
    chosen = choose_point(candidate, GRID, "town: base", path).settings
    best = max(fits, key=validation_score)
    assert (chosen.learning_rate, chosen.epochs) == (
        best.settings.learning_rate, best.settings.epochs,
    )  # fmt: skip
    assert len(fits) == 4
    assert choose_point(candidate, GRID, "town: base", path).settings == chosen
    assert len(fits) == 4


def test_a_grid_without_a_choice_is_refused() -> None:
    with pytest.raises(ValidationError, match="give two rates or two numbers of epochs"):
        GridSection(learning_rate=(1e-4,))
    with pytest.raises(ValidationError, match="exclude each other"):
        EvaluateSection(grid=GridSection(epochs=(1, 2)), steps=4)


def test_scores_of_a_grid_are_of_one_reading_of_the_data(
    family_folder: Folder, session: Session
) -> None:
    # The same files, read otherwise: `_version` has the columns of own files.
    trial: Any = SimpleNamespace(title="town: base", seed=0)
    settings = SETTINGS.model_copy(update={"grid": GRID, "epochs": 1})
    checkpoint = family_folder("bert"), None, "base"
    for version in ("own, text_field title", "own, text_field abstract"):
        loaded = classification()
        loaded = replace(loaded, task=replace(loaded.task, version=version))
        list(tuned_predictions(checkpoint, loaded, [trial], settings, session))
    assert len(list(session.run.validation.glob("*/grid-*.json"))) == 2
