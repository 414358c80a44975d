"""Results: one JSON file for each model, task and seed, with the predictions beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from domainbert.domain import Sentence
from domainbert.files import read_json, write_json, write_text
from domainbert.tasks.metrics import EntityScores

SCHEMA = 1


@dataclass(frozen=True)
class Result:
    """One model on one task with one seed.

    Args:
        model: What the table calls it, such as `base` or `adapted`.
        model_sha256: Hash of the encoder's weights.
        task: Name of the task.
        task_version: Scores of other versions are not comparable.
        task_sha256: Hash of each split's file.
        seed: Of fine-tuning.
        settings: The recipe's `evaluate:` section without the seeds, and the precision.
        test: Scores on the test split.
        validation: Scores on the validation split.
        seconds: Wall time of fine-tuning and prediction.
        predictions: Predicted tags of each test sentence.
    """

    model: str
    model_sha256: str
    task: str
    task_version: str
    task_sha256: dict[str, str]
    seed: int
    settings: dict[str, Any]
    test: EntityScores
    validation: EntityScores
    seconds: float
    predictions: tuple[tuple[str, ...], ...]


def result_path(folder: Path, task: str, model: str, seed: int) -> Path:
    """Return where the result of one cell of the table is kept."""
    return folder / task / f"{model}-seed-{seed}.json"


def save_result(path: Path, result: Result, gold: Sequence[Sentence]) -> None:
    """Write predictions as `word gold predicted` columns, then the result with their hash."""
    blocks = []
    for sentence, tags in zip(gold, result.predictions, strict=True):
        rows = zip(sentence.words, sentence.tags, tags, strict=True)
        blocks.append("".join(f"{word}\t{true}\t{guess}\n" for word, true, guess in rows))
    text = "\n".join(blocks)
    predictions = path.with_suffix(".tsv")
    write_text(predictions, text)
    entry = asdict(result)
    entry["predictions"] = {
        "file": predictions.name,
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    write_json(path, {"schema": SCHEMA, **entry})


def load_result(path: Path) -> Result | None:
    """Read a result with its predictions; None if there is none or its predictions changed."""
    if not path.is_file():
        return None
    entry = read_json(path)
    predictions = path.parent / entry["predictions"]["file"]
    if not predictions.is_file():
        return None
    text = predictions.read_bytes().decode("utf-8")  # a word may hold a carriage return
    if hashlib.sha256(text.encode()).hexdigest() != entry["predictions"]["sha256"]:
        return None
    if entry.pop("schema") != SCHEMA:
        return None
    tags = tuple(
        tuple(line.rsplit("\t", 1)[1] for line in block.split("\n") if line)
        for block in text.split("\n\n")
    )
    entry["predictions"] = tags
    entry["test"] = EntityScores(**entry["test"])
    entry["validation"] = EntityScores(**entry["validation"])
    return Result(**entry)
