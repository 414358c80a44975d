"""When memory runs out in a step: the settings that asked for it, and those that ask for less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from domainbert.errors import RunFailed

if TYPE_CHECKING:
    from domainbert.recipe.train import TrainSection

# Devices and libraries each have words of their own, and often no class of their own.
_WORDS = re.compile(r"out of memory|not enough memory|can('t|not) allocate memory", re.IGNORECASE)


@contextmanager
def naming_batch(settings: TrainSection) -> Iterator[None]:
    """Turn an allocation that fails in the block into an error that names the recipe's keys.

    Raises:
        RunFailed: With what to change.
    """
    try:
        yield
    except (RuntimeError, MemoryError, RunFailed) as error:
        # An objective's error names the objective and has the allocation as its cause.
        cause = error.__cause__ if isinstance(error, RunFailed) else error
        if not (isinstance(cause, MemoryError) or _WORDS.search(str(cause))):
            raise
        reason = (str(cause).strip() or type(cause).__name__).splitlines()[0].rstrip(".")
        raise RunFailed(
            f"train.micro_batch_size: {settings.micro_batch_size}, with train.max_seq_length: "
            f"{settings.max_seq_length}, needs more memory than there is ({reason}). The last "
            "checkpoint is whole: free memory and run the same command again, or name another "
            "--out and a lower `train.micro_batch_size`, which changes no loss, or "
            "`train.gradient_checkpointing: true`."
        ) from None
