"""Open what transformers has saved: in float32, without code, without its loading bars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from domainbert.errors import BaseModelError, first_line


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the loading bars and reports of transformers; callers report problems."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def from_folder(kind: Any, folder: Path, problem: str, **options: Any) -> Any:
    """Load a model of a transformers class in float32, running no code from its folder.

    Args:
        kind: Such as `AutoModelForMaskedLM`.
        folder: Of the checkpoint.
        problem: Begins the message of an error.
        options: Further arguments of `from_pretrained`.

    Raises:
        BaseModelError: It cannot be loaded.
    """
    try:
        with quiet_transformers():
            return kind.from_pretrained(
                folder, dtype="float32", use_safetensors=True, local_files_only=True,
                trust_remote_code=False, **options,
            )  # fmt: skip
    except Exception as error:  # a config can make transformers raise anything
        raise BaseModelError(f"{problem}: {first_line(error)}") from None
