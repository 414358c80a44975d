from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from helpers.checks import checked, lines

from domainbert import CorpusStep, DataFile, Document, Domain, Example, Sentence
from domainbert.plugin.registry import Registry
from domainbert.plugin_check.subject import Outcome, Subject

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")
ONE, TWO = Example("one", ("a",)), Example("two", ("b",))


def task(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, tasks=(replace(domain.tasks[0], **changes),))


def corpus(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, corpora=(replace(domain.corpora[0], **changes),))


def tagged(*sentences: Sentence) -> Callable[[Path, str], list[Sentence]]:
    return lambda _path, split: [replace(s, words=(*s.words[:-1], split)) for s in sentences]


def last(domain: Domain, name: str) -> Outcome:
    """Return the outcome of a check of data that were read before."""
    return checked(domain, "samples", name)[1]


def test_good_data_pass(domain: Domain) -> None:
    assert lines(domain, "samples", "splits", "terms", "scores", "components") == [
        "ok    samples: 4 documents and 6 labelled texts, read twice alike, offline",
        "ok    splits: 1 task",
        "ok    terms: 3 terms",
        "ok    scores: perfect predictions score 1.0 on 1 task",
        "ok    components: 0 components, steps run on samples",
    ]
    with socket.create_server(("127.0.0.1", 0)) as server:  # the network is back
        socket.create_connection(server.getsockname()).close()


def test_files_that_are_not_here_are_left_out_and_nothing_is_downloaded(domain: Domain) -> None:
    away = corpus(task(domain, splits=dict.fromkeys(domain.tasks[0].splits, NEVER)), files=(NEVER,))
    (line,) = lines(away, "samples")
    assert line.endswith("; not read, files are not here: corpus 'notes', task 'knot-names'")


def read_by_clock() -> Callable[[Path], list[Document]]:
    calls = iter(range(100))
    return lambda path: [Document(str(next(calls)), "text", "x")]


def leave(*_: Any) -> Any:
    raise SystemExit(3)


def connect(*_: Any) -> list[Document]:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", 9))
    return [Document("a", "text", "x")]


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (read_by_clock(), "corpus 'notes': differs when it is read again"),
        (leave, "corpus 'notes': {}/corpus.txt: Corpus 'notes' called `sys.exit(3)`"),
        (lambda path: [], "corpus 'notes': no document"),
        (lambda path: ["text"], "corpus 'notes': {}/corpus.txt: Corpus 'notes' failed: TypeError"),
        (lambda path: [Document("a", " ", "x")], "corpus 'notes': no document with text"),
        (lambda path: [Document("a", "b", "x")] * 2, "corpus 'notes': two documents have one id"),
        (connect, "reading asks the network: socket.getaddrinfo 127.0.0.1"),
    ],
)
def test_corpora_that_do_not_load(read: Any, what: str, domain: Domain, folder: Path) -> None:
    (found,) = checked(corpus(domain, read=read), "samples")
    assert found.what.startswith(what.format(folder))


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (leave, "{}/train.tsv: Task 'knot-names' called `sys.exit(3)`."),
        (tagged(Sentence(("a", "b"), ("O",))), "{}/train.tsv, sentence 1: 2 words, 1 tags."),
    ],
)
def test_tasks_that_a_run_refuses(read: Any, what: str, domain: Domain, folder: Path) -> None:
    found, scores = checked(task(domain, read=read), "samples", "scores")
    assert found.what.startswith(f"task 'knot-names': {what.format(folder)}")
    assert scores.what.endswith("on 0 tasks")


def test_a_text_in_two_splits_and_a_label_without_example_are_refused(
    domain: Domain, folder: Path
) -> None:
    (folder / "test.tsv").write_text("the\tO\nbend\tB-Knot\nheld\tO\n\nit\tO\nslipped\tO\n")
    found = last(task(domain, labels=("Knot", "Rope")), "splits")
    assert found.what == (
        "task 'knot-names': 1 texts of test are in train too, as 'it slipped'; "
        "task 'knot-names': 1 texts of test are in validation too, as 'the bend held'; "
        "task 'knot-names': train never has Rope"
    )
    assert found.fix == "keep each in one split; give train an example of each"


def test_published_overlap_and_rare_labels_are_shown_and_not_refused(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "data"))
    rows = {"train": "one\ta|b\ntwo\tb\n", "validation": "one\ta\n", "test": "four\ta|c\n"}
    splits = {}
    for name, row in rows.items():
        text = f"text\tlabel\n{row}"
        (tmp_path / "data" / f"renamed-{name}.tsv").write_text(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        splits[name] = DataFile(digest, len(text), f"{name}.tsv")
    published = task(domain, kind="classification", labels=(), multi_label=True, splits=splits)
    _, splits_line, scores_line = lines(published, "samples", "splits", "scores")
    assert splits_line == (
        "ok    splits: 1 task; knot-names: 1 texts of validation are in train too, as 'one'; "
        "knot-names: train never has c"
    )
    assert scores_line == "ok    scores: perfect predictions score 1.0 on 1 task"


@pytest.mark.parametrize(
    ("test", "changes", "ok"),
    [
        (Example("t", ("a",)), {}, True),
        (Example("t", ("a", "b")), {"multi_label": True, "labels": ()}, True),
        (Example("t", ()), {"multi_label": True, "labels": ()}, False),
    ],
)
def test_classes_score_1_unless_test_has_none(
    test: Example, changes: dict[str, Any], ok: bool, domain: Domain
) -> None:
    splits = {"train": (ONE, TWO), "validation": [replace(test, text="v")], "test": [test]}
    changes = {"labels": ("a", "b"), "read": lambda _, split: splits[split], **changes}
    assert last(task(domain, kind="classification", **changes), "scores").ok == ok


@pytest.mark.parametrize(
    ("read", "score"),
    [
        (tagged(Sentence(("bowline", "and") * 100, ("B-Knot", "O") * 100)), "1.0 on"),
        (lambda _path, s: [Sentence((s,), ("O" if s == "test" else "B-Knot",))], "0.0000"),
        (lambda _path, split: [Sentence((split, "\u200b"), ("O", "B-Knot"))], "0.0000"),
    ],
    ids=["long sentences", "no mention in test", "a word that no tokenizer sees"],
)
def test_mentions_survive_alignment_or_are_reported(read: Any, score: str, domain: Domain) -> None:
    assert f"perfect predictions score {score}" in last(task(domain, read=read), "scores").what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"rope\nrope\n", "terms.txt:2: 'rope' is in line 1 too"),
        (b" rope\n", "terms.txt:1: ' rope' is no clean text"),
        (b"sheet  bend\nrope\n", "terms.txt:1: 'sheet  bend' is no clean text"),
        (b"ro\tpe\nrope\n", r"terms.txt:1: 'ro\tpe' is no clean text"),
        (b"\xef\xbb\xbfrope\ntar\n", r"terms.txt:1: '\ufeffrope' is no clean text"),
        ("rope\nno\u0308ck\n".encode(), "terms.txt:2: 'no\u0308ck' is no clean text"),
        (b"rope\n\xff\n", "{}/terms.txt:2:1: not UTF-8"),
        (b"rope\r\n# More\n\nSheet-Bend\r\n", "2 terms"),
    ],
)
def test_terms(content: bytes, what: str, domain: Domain, folder: Path) -> None:
    (folder / "terms.txt").write_bytes(content)
    (found,) = checked(domain, "terms")
    assert (found.ok, found.what.startswith(what.format(folder))) == (what == "2 terms", True)


@pytest.mark.parametrize(
    ("apply", "line"),
    [
        (lambda documents, _: documents, "ok    components: 1 component, steps run on samples"),
        (leave, "FAIL  components: CorpusStep 'keep' called `sys.exit(3)`"),
        (lambda *_: ["x"], "FAIL  components: CorpusStep 'keep' failed: TypeError: yielded str"),
    ],
)
def test_steps_are_run_on_samples(apply: Any, line: str, domain: Domain) -> None:
    subject = Subject(domain, Registry(()), components=(CorpusStep("keep", apply),))
    assert lines(subject, "components")[0].startswith(line)
