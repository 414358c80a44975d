"""When memory runs out in a step: the settings that asked for it, and those that ask for less."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from domainbert.errors import RunFailed

if TYPE_CHECKING:
    from domainbert.training.step import Job

P = ParamSpec("P")
R = TypeVar("R")

# Devices and libraries each have words of their own, and often no class of their own.
_WORDS = re.compile(
    r"out of memory|not enough memory|(can't|cannot) allocate memory", re.IGNORECASE
)


def names_batch(function: Callable[Concatenate[Job, P], R]) -> Callable[Concatenate[Job, P], R]:
    """Turn an allocation that fails in a function of a job into an error that names its settings.

    Args:
        function: Reads batches of the job.
    """

    @functools.wraps(function)
    def run(job: Job, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(job, *args, **kwargs)
        except (RuntimeError, MemoryError, RunFailed) as error:
            # An objective's error names the objective and has the allocation as its cause.
            cause = error.__cause__ if isinstance(error, RunFailed) else error
            if not (isinstance(cause, MemoryError) or _WORDS.search(str(cause))):
                raise
            raise RunFailed(_advice(job, str(cause).strip() or type(cause).__name__)) from None

    return run


def _advice(job: Job, error: str) -> str:
    settings = job.settings
    return (
        f"train.micro_batch_size: {settings.micro_batch_size}, with train.max_seq_length: "
        f"{settings.max_seq_length}, needs more memory than there is "
        f"({error.splitlines()[0].rstrip('.')}). The last checkpoint "
        "is whole: free memory and run the same command again, or name another --out and a lower "
        "`train.micro_batch_size`, which changes no loss, or `train.gradient_checkpointing: true`."
    )
