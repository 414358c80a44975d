"""Plugins that fail, lie or make noise are named; everything else works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from helpers.bad_inputs import Case, set_keys

pytestmark = pytest.mark.slow

ENDLESS = "import threading, time; threading.Thread(target=time.sleep, args=(1e6,)).start()"
HEAD = "import domainbert\nfrom domainbert import *\n"
DOMAIN = 'Domain(name="odd", title="Odd", homepage="https://example.org")'
IMPORTS = {
    "a syntax error": "def", "an error": "1 / 0", "no module": "import nothing_like_it",
    "sys.exit": "import sys; sys.exit(0)", "Ctrl-C": "raise KeyboardInterrupt",
    "a generator's end": "raise GeneratorExit",
    "a base exception": "class E(BaseException): pass\nraise E",
    "cancelled": "import asyncio; raise asyncio.CancelledError",
    "an iteration's end": "raise StopIteration",
    "out of memory": "raise MemoryError", "recursion": "def f(): f()\nf()",
    "skip": "import pytest; pytest.skip('no', allow_module_level=True)",
    "an error without words": "raise Exception",
    "an odd error": "raise Exception('\\x1b[2J\\u202e')",
    "a thread without end": f"{ENDLESS}; 1 / 0",
    "a closed stdout": "import sys; sys.stdout.close(); 1 / 0",
    "another folder": "import os; os.chdir('/'); 1 / 0",
    "an error that cannot be shown": "class E(Exception):\n def __str__(self): 1 / 0\nraise E",
}  # fmt: skip
HOOKS = {
    "text": "yield 'text'", "None": "yield None", "a mapping": "yield {'name': 'odd'}",
    "a class": "yield Domain", "a return of text": "return 'text'", "a return of 3": "return 3",
    "a mapping returned": "return {'a': 1}", "an error": "raise ValueError('no')",
    "Ctrl-C": "raise KeyboardInterrupt", "sys.exit": "raise SystemExit",
    "GeneratorExit": "raise GeneratorExit",
    "no end": "while True: yield " + DOMAIN, "a bad name": "yield Domain(name='No Name', title='')",
    "a name of a list": "yield Domain(name=['a'], title='')", "no arguments": "yield Domain()",
    "a number as name": "yield Domain(name=3, title='')",
}  # fmt: skip
READS = {
    "an error": "raise ValueError('no')", "None": "return None", "a number": "yield 3",
    "text": "yield 'text'", "bytes": "yield b'text'", "sys.exit": "raise SystemExit(0)",
    "Ctrl-C": "raise KeyboardInterrupt", "GeneratorExit": "raise GeneratorExit",
    "text as number": "yield Document('a', 3, 'a')",
    "a document of None": "yield Document('a', None, 'a')",
    "the end of the process": "import os; os._exit(0)",
    "the end by another name": "from posix import _exit; _exit(0)",
    "a thread without end": f"{ENDLESS}; 1 / 0",
    "no run folder": "import shutil; shutil.rmtree('run'); yield Document('a b c', 'odd', 'a')",
    "nothing": "return iter(())",
    "a base exception": "import asyncio; raise asyncio.CancelledError",
}  # fmt: skip


def plugin(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "odd.py").write_text(HEAD + text + "\n", encoding="utf-8")


def hook(name: str, body: str) -> str:
    return f"@hookimpl\ndef domainbert_{name}():\n    {body}\n"


def import_cases() -> Iterator[Case]:
    for what, text in IMPORTS.items():
        words = "adapt --plugin odd.py --domain odd"
        yield Case(f"import: {what}", plugin(text), "odd", words)
        yield Case(
            f"import: {what}: list", plugin(text), "broken", "plugins list --plugin odd.py", (0,)
        )
    for what, body in HOOKS.items():
        for name in ("domains", "components", "tasks"):
            change = plugin(hook(name, body))
            words = "plugins list --plugin odd.py"
            yield Case(f"{name}: {what}", change, "broken", words, (0,))


def read_cases() -> Iterator[Case]:
    words = "adapt town.yaml --out run --plugin odd.py"
    for what, body in READS.items():
        said = "empty" if what in {"None", "nothing"} else "odd"
        for arguments, record in (
            ("path, options", "CorpusReader('odd', ('.txt2',), work)"),
            ("documents, counts", "CorpusStep('odd', work)"),
        ):
            work = f"def work({arguments}):\n    {body}\n    yield\n"
            change = both(work + hook("components", f"yield {record}"), "Step" in record)
            yield Case(f"{record[:12]}: {what}", change, said, words, (1, 2))


def both(text: str, steps: bool) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        plugin(text)(folder)
        if steps:
            set_keys(corpus_steps=["odd"])(folder)
        else:
            set_keys(corpus=[{"path": "letters.txt", "format": "odd"}])(folder)

    return change


@pytest.mark.parametrize("family", [import_cases, read_cases])
def test_plugins(family: Callable[[], Iterator[Case]], check: Callable[..., None]) -> None:
    check(family(), tasks=[])
