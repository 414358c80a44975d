"""What the card of a published fine-tuned model says of its use is run as it stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.rows import LOADED, row_of
from helpers.tasks import SETTINGS, classification, labelled, tagging

from domainbert.pipeline.evaluate import ModelUnderTest, evaluate
from domainbert.pipeline.kept import kept_models
from domainbert.plugin.components import LoadedTask, TaskKind
from domainbert.plugin.registry import component
from domainbert.report.publication import Publication
from domainbert.report.text import templates
from domainbert.run.session import Session
from domainbert.storage.files import sha256_file

TASKS: dict[str, Callable[[], LoadedTask]] = {
    "tagging": tagging, "classification": classification, **LOADED,
}  # fmt: skip
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Of each kind: transformers' pipeline, and its argument; no pipeline reads the others.
CALLS = {
    "tagging": ("token-classification", '"A text."'),
    "classification": ("text-classification", '"A text."'),
    "pairs": ("text-classification", '{"text": "One text.", "text_pair": "Another."}'),
    "regression": ("text-classification", '"A text."'),
    "rated pairs": ("text-classification", '{"text": "One text.", "text_pair": "Another."}'),
}


def use(publication: Publication) -> str:
    """Return the section on the use of a model, as the card has it."""
    counts = {"read": 1, "kept": 1, "steps": []}
    given: Any = {"header": "", "intro": "", "sections": [], "losses": "", "scores": "s.svg",
                  "contaminated": None, "manifest": {"counts": counts}, "chain": []}  # fmt: skip
    template = templates().get_template("publication.md.j2")
    card = str(template.render(publication=publication, is_other=True, **given))
    return card.partition("## Use\n")[2].partition("![Scores]")[0]


@pytest.mark.parametrize(
    ("name", "pooling"),
    [*((name, "head") for name in TASKS), ("classification", "mean"), ("pairs", "mean")],
)
def test_the_use_on_a_card_works(
    family_folder: Any, session: Session, cli: Callable[..., Any], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, name: str, pooling: str,
) -> None:  # fmt: skip
    loaded, folder = TASKS[name](), family_folder("bert")
    base = ModelUnderTest("base", folder, sha256_file(folder / "model.safetensors"))
    changes: Any = {"seeds": (0,), "epochs": 1, "baselines": False, "pooling": pooling}
    evaluate([base], [loaded], SETTINGS.model_copy(update=changes), session)
    ((kept, about),) = kept_models(session.run)
    monkeypatch.chdir(tmp_path)
    Path("mine").symlink_to(kept)
    text = use(Publication(session.run, kept, "mine", "other", {}, about))
    blocks = _BLOCK.findall(text)
    records = loaded.splits["test"][:2]
    rows = [row_of(record) for record in records] if name in LOADED else []
    Path("rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("texts.txt").write_text("the captain moved it")
    (_, command), *python = blocks
    assert command == f"domainbert predict mine {'rows.jsonl' if rows else 'texts.txt'}\n"
    outcome = cli(*command.split()[1:])
    assert (outcome.code, len(outcome.out.splitlines())) == (0, len(rows) or 1), outcome.err
    assert all(f"`{column}`" in text for column in (rows[0] if rows else ()))
    assert len(python) == (0 if pooling == "mean" else 1)
    for _, code in python:
        names: dict[str, Any] = {}
        exec(code, names)  # of our own template
        task, argument = CALLS.get(name, ("", ""))
        assert (f'pipeline("{task}", model="mine")\nmodel({argument})' in code) == bool(task)
        assert names["model"]


def test_a_kind_that_says_nothing_of_its_use_has_no_command(session: Session) -> None:
    kind = component(TaskKind, "tagging")
    assert {n: component(TaskKind, n).pipeline for n in ("relation", "question-answering")} == {
        "relation": "text-classification", "question-answering": "question-answering",
    }  # fmt: skip
    about = {"head": "tokens", "task": {"kind": labelled("tagging").kind}}
    publication = Publication(session.run, Path("x"), "mine", "other", {}, about)
    assert publication.kind == kind
    assert "domainbert predict mine texts.txt" in use(publication)

    class Silent(Publication):
        @property
        def kind(self) -> TaskKind:
            return replace(kind, annotate=None, call=lambda _inputs: "")

    silent = Silent(session.run, Path("x"), "mine", "other", {}, about)
    assert "predict" not in use(silent) and "pipeline" not in use(silent)
    assert 'AutoModelForTokenClassification.from_pretrained("mine")' in use(silent)
