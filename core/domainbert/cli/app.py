"""The application: commands of core and plugins; errors become messages and exit codes."""

from __future__ import annotations

import errno
import io
import os
import sys
import threading
import time
from typing import Annotated

import typer

import domainbert
from domainbert.cli import (
    adapt,
    blend,
    compare,
    corpus,
    embed,
    evaluate,
    leaderboard,
    plugins,
    predict,
    publish,
    recipes,
    tokenizer,
)
from domainbert.errors import DomainBertError
from domainbert.run.progress import Reporter
from domainbert.visible import visible

# What is wrong with a path that somebody typed.
_PATH_ERRORS = {"ENAMETOOLONG", "EEXIST", "ENOTDIR", "EISDIR", "EACCES", "EROFS", "ELOOP", "ENOENT"}

# What a device says behind standard output.
_UNWRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF}

# Seconds for threads to end after their command.
_PATIENCE = 2.0

app = typer.Typer(
    name="domainbert",
    help="Adapt a BERT-family model to a field and show whether it helped.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(adapt.adapt)
app.command()(blend.blend)
app.command()(evaluate.evaluate)
app.command()(predict.predict)
app.command()(embed.embed)
app.command()(publish.publish)
app.command()(compare.compare)
app.command()(leaderboard.leaderboard)
app.add_typer(corpus.app, name="corpus")
app.add_typer(recipes.app, name="recipes")
app.add_typer(plugins.app, name="plugins")
app.add_typer(tokenizer.app, name="tokenizer")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(domainbert.__version__)
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print version.")
]


@app.callback()
def _options(_version: _Version = False) -> None:
    pass


def main() -> None:
    """Run the command line.

    Exit codes: 0 done · 1 ran but failed · 2 usage or recipe error · 75 stopped by a signal, run
    again to continue · 130 interrupted by Ctrl-C.
    """
    before = set(threading.enumerate())
    try:
        _run()
    except SystemExit as ended:
        _leave_threads(before, ended.code if isinstance(ended.code, int) else bool(ended.code))
        raise


def _leave_threads(before: set[threading.Thread], code: int) -> None:
    """End the process if a plugin left threads that do not end, for which Python would wait."""
    started = [t for t in threading.enumerate() if t not in before and not t.daemon]
    patience = time.monotonic() + _PATIENCE
    for thread in started:
        thread.join(max(0.0, patience - time.monotonic()))
    if left := [thread.name for thread in started if thread.is_alive()]:
        Reporter().say(f"notice: left behind, since they do not end: {', '.join(left)}")
        if sys.stdout is not None:
            sys.stdout.flush()
        os._exit(code)


def _run() -> None:
    """Run the command line, and end with `SystemExit`."""
    from domainbert.plugin.guard import note_interrupts
    from domainbert.plugin.registry import load_plugins

    errors = Reporter()
    note_interrupts()
    if sys.stdout is None:  # closed by the caller, as by `>&-`
        errors.say("error: standard output is closed.")
        sys.exit(1)
    _escape_missing_characters()
    names = [word.partition("=")[0] for word in sys.argv[1:] if word.startswith("-")]
    if hidden := next((name for name in names if visible(name) != name), None):
        errors.say(f"error: no such option: {hidden}")  # what follows would show it unescaped
        sys.exit(2)
    try:
        for failure in load_plugins().register_commands(app):
            errors.say(failure)
        try:
            # Else the usage line shows how Python was started.
            app(prog_name="domainbert")
        finally:
            sys.stdout.flush()  # what waits in its buffer is an error now, and none at the end
    except DomainBertError as error:
        errors.say(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output has gone, as in `domainbert recipes list | head -1`.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if not error.filename and error.errno in _UNWRITTEN:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            errors.say(f"error: standard output cannot be written: {error.strerror}.")
            sys.exit(1)
        if errno.errorcode.get(error.errno or 0) not in _PATH_ERRORS or not error.filename:
            raise
        errors.say(f"error: {error.filename}: {error.strerror}. Name another path.")
        sys.exit(2)


def _escape_missing_characters() -> None:
    """Escape characters, such as `±`, that the encoding of stdout lacks."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")
