"""What a run folder holds, as values to compare; and runs as if they had been killed earlier."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from domainbert.run.folder import RunFolder


def metrics(run: RunFolder) -> list[dict[str, Any]]:
    """Return the lines of metrics, without speeds."""
    lines = run.metrics.read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    return [{k: v for k, v in entry.items() if k != "tokens_per_second"} for entry in entries]


def weights(run: RunFolder) -> bytes:
    """Return the bytes of the adapted model's weights."""
    return (run.model / "model.safetensors").read_bytes()


def held_out(run: RunFolder) -> dict[str, dict[str, Any]]:
    """Return the scores on held-out text of `base` and `adapted`."""
    return {
        path.parent.name: json.loads(path.read_text(encoding="utf-8"))["result"]
        for path in sorted(run.path.glob("held-out/*/stage.json"))
    }


def digests(folder: Path, pattern: str = "**/*") -> dict[str, str]:
    """Return the hash of each file below a folder by its path."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
        if path.is_file()
    }


def times(folder: Path) -> dict[str, int]:
    """Return when each file below a folder was written, by its path."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file()
    }


def numbers(run: RunFolder) -> dict[str, Any]:
    """Return all numbers that equal runs have in common, bit for bit."""
    return {
        "metrics": metrics(run),
        "held_out": held_out(run),
        "files": digests(run.path, "*/model.safetensors")
        | digests(run.path, "*/model/model.safetensors")
        | digests(run.path, "**/*.arrow")
        | digests(run.path, "results/**/*.jsonl"),
    }


def back_to(run: RunFolder, step: int) -> RunFolder:
    """Take a finished run back to the time after a checkpoint of pretraining."""
    for folder in (run.adapted, run.model, run.path / "held-out" / "adapted"):
        shutil.rmtree(folder)
    run.card.unlink()
    for path in run.checkpoints.glob("step-*"):
        if int(path.name.removeprefix("step-")) > step:
            shutil.rmtree(path)
    return run


def copied(whole: RunFolder, name: str, step: int = 10**8) -> RunFolder:
    """Return a copy of a finished run, taken back to a step of pretraining."""
    run = RunFolder(whole.path.with_name(name))
    shutil.copytree(whole.path, run.path)
    return back_to(run, step)


def cut(path: Path) -> None:
    """Leave the first half of a file."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """Change a bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
