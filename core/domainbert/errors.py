"""Every error that a user can meet.

    DomainBertError                  base of all; the command line prints it without a traceback
    ├── UserError                    exit 2: something to put right before running again
    │   ├── RecipeError              the YAML, a --set value, or a name that a recipe refers to
    │   ├── PluginError              a domain that is missing or whose plugin is broken
    │   ├── DataError                a corpus, task or downloaded file
    │   ├── BaseModelError           a base checkpoint that is missing, unsafe or unsuitable
    │   ├── RunFolderError           the output folder is in use or holds something else
    │   └── StorageError             the system refuses to write; complete files stay
    │       └── StorageFullError     no space left
    ├── RunFailed                    exit 1: the work started and could not be finished
    ├── FailedElsewhere              exit 1: another process of the run met an unexpected error
    └── Stopped                      exit 75 or 130: a signal; the checkpoint is kept

A message says what happened, where (file:line:key), the expected value and the remedy.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice


class DomainBertError(Exception):
    """Base class of all errors that `domainbert` raises on purpose."""

    exit_code = 1


class UserError(DomainBertError):
    """Something that the user can put right; nothing was half-written."""

    exit_code = 2


class RecipeError(UserError):
    """A recipe that cannot be read or refers to something that does not exist."""


class PluginError(UserError):
    """A domain that no plugin provides, or whose plugin is broken."""


class DataError(UserError):
    """A corpus, task or downloaded file that is missing, damaged or malformed."""


class BaseModelError(UserError):
    """A base checkpoint that is missing, unsafe or unsuitable."""


class RunFolderError(UserError):
    """An output folder that is in use or holds something else."""


class StorageError(UserError):
    """The system refuses to write a file; earlier files are whole."""


class StorageFullError(StorageError):
    """No space left on the device while writing; earlier files are whole."""


class RunFailed(DomainBertError):
    """The work started and could not be finished."""


class FailedElsewhere(DomainBertError):
    """Another process of the run met an error that nobody expected; that one has the traceback."""


class Stopped(DomainBertError):
    """A signal asked to stop; a checkpoint was written and the run can be resumed.

    Args:
        signal_name: `SIGINT`, `SIGTERM` or `SIGUSR1`.
        message: The work that is kept, and the command that continues.
    """

    def __init__(self, signal_name: str, message: str) -> None:
        super().__init__(message)
        # EX_TEMPFAIL (75) tells a batch system to run the same command again.
        self.exit_code = 130 if signal_name == "SIGINT" else 75


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return ` Did you mean 'NAME'?` for the closest of some names, or an empty string."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def listed(names: Iterable[object]) -> str:
    """Return the first 20 of some names, such as the columns of a row, with commas between."""
    return ", ".join(map(str, islice(names, 20)))


def first_line(error: BaseException) -> str:
    """Return the first line of the message of a library's error, or its type if it has none."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def one_line(error: BaseException) -> str:
    """Return the message of an error on one line, with its type unless it is a `UserError`."""
    try:
        text = " ".join(str(error).split()) or "no message"
    except Exception:  # the class of a plugin
        text = "its message cannot be shown"
    return text if isinstance(error, UserError) else f"{type(error).__name__}: {text}"
