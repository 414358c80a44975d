"""A domain with nothing wrong, and plugins that provide it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert import Domain
from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check.check import subject_of
from domainbert.plugin_check.subject import Subject

FILES = {
    "corpus.txt": "The rope held.\nA knot slipped twice.\nTar keeps rope dry.\nNothing broke.\n",
    "terms.txt": "# Terms\nrope\ntar\nsheet bend\n",
    "train.tsv": "the\tO\nbowline\tB-Knot\n\na\tO\nhitch\tB-Knot\n\nit\tO\nslipped\tO\n",
    "validation.tsv": "the\tO\nbend\tB-Knot\nheld\tO\n",
    "test.tsv": "a\tO\nbowline\tB-Knot\nslipped\tO\n\nno\tO\nwind\tO\ntoday\tO\n",
    "recipes/quickstart.yaml": (
        "name: knots-quickstart\ndomain: knots\nbase: ./none\ncorpus: [{name: notes}]\n"
        "held_out: {fraction: 0.3}\ntrain: {steps: 500}\ntasks: [knot-names]\n"
    ),
    "knots.py": """
import pathlib
import domainbert

HERE = pathlib.Path(__file__).parent

def read_lines(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield domainbert.Document(f"{path.stem}-{number}", line, f"{path.name}:{number}")

@domainbert.hookimpl
def domainbert_domains():
    notes = domainbert.Corpus(
        "notes", "Notes", "CC0-1.0", "Mine", read_lines, (HERE / "corpus.txt",)
    )
    splits = {split: HERE / f"{split}.tsv" for split in ("train", "validation", "test")}
    task = domainbert.Task(
        "knot-names", "Names of knots", "tagging", "CC0-1.0", "Mine", "1", splits, ("Knot",)
    )
    yield domainbert.Domain(
        name="knots", title="Knots", corpora=[notes], tasks=[task],
        terms=domainbert.Terms(HERE / "terms.txt", "CC0-1.0", "Mine"),
        recipes=HERE / "recipes", default_recipe="knots/quickstart",
    )
""",
}


@pytest.fixture
def folder(bare_environment: None, tmp_path: Path) -> Path:
    """The files of the plugin, as a single file beside its data."""
    for name, text in FILES.items():
        path = tmp_path / "plugin" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "plugin"


@pytest.fixture
def domain(folder: Path) -> Domain:
    """The domain of that plugin."""
    return load_plugins([folder / "knots.py"]).domain("knots")


PLUGIN = """
    import domainbert
    {first}

    @domainbert.hookimpl
    def domainbert_domains():
        {inside}
        yield domainbert.Domain(name="knots", title="Knots")
"""


@pytest.fixture
def planted(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Subject]:
    """Install a plugin that yields the domain `knots`; return it as it is checked."""

    def plant(
        distribution: str = "domainbert-knots",
        name: str = "knots",
        first: str = "",
        inside: str = "",
        requires: tuple[str, ...] = ("domainbert>=0.1,<0.2",),
    ) -> Subject:
        source = textwrap.dedent(PLUGIN).format(first=first, inside=inside)
        shelf.add(distribution, source, requires=requires, names=(name,))
        monkeypatch.setenv("DOMAINBERT_PLUGINS", distribution)
        return subject_of(Domain("knots", "Knots"))

    return plant
