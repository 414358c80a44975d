from __future__ import annotations

import contextlib
import hashlib
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import DataError, DataFile, Document, Domain, Example, Sentence
from domainbert.plugin_check.data import (
    check_labels,
    check_samples,
    check_scores,
    check_splits,
    load_domain,
)
from domainbert.plugin_check.lexicon import check_terms

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")
ONE, TWO = Example("one", ("a",)), Example("two", ("b",))


def task(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, tasks=(replace(domain.tasks[0], **changes),))


def corpus(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, corpora=(replace(domain.corpora[0], **changes),))


def classified(domain: Domain, test: Example, train: Any = (ONE, TWO), **changes: Any) -> Domain:
    splits = {"train": train, "validation": [replace(test, text="v")], "test": [test]}
    labels = {"labels": ("a", "b"), **changes}
    return task(domain, kind="classification", read=lambda _, split: splits[split], **labels)


def tagged(*sentences: Sentence) -> Callable[[Path, str], list[Sentence]]:
    return lambda _path, split: [replace(s, words=(*s.words[:-1], split)) for s in sentences]


def test_good_data_passes(domain: Domain) -> None:
    before = (socket.socket.connect, socket.getaddrinfo)
    loaded = load_domain(domain)
    assert (socket.socket.connect, socket.getaddrinfo) == before
    checks = (check_samples, check_splits, check_labels, check_scores)
    lines = [check(loaded).line for check in checks]
    assert [*lines, check_terms(domain, loaded.documents).line] == [
        "ok    samples: 4 documents and 6 labelled texts, read twice alike, offline",
        "ok    splits: 1 task, no packaged text in two splits",
        "ok    labels: 1 task, train has every label",
        "ok    scores: perfect predictions score 1.0 on 1 task",
        "ok    terms: 3 terms, 2 of them in 4 texts",
    ]


def test_files_that_are_not_here_are_left_out_and_nothing_is_downloaded(domain: Domain) -> None:
    away = corpus(task(domain, splits=dict.fromkeys(domain.tasks[0].splits, NEVER)), files=(NEVER,))
    assert check_samples(load_domain(away)).line == (
        "ok    samples: 0 documents and 0 labelled texts, read twice alike, offline; not read, "
        "files are not here: corpus 'notes', task 'knot-names'"
    )


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], DataFile]:
    """Bring a declared file to this machine."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "data"))

    def call(name: str, text: str) -> DataFile:
        (tmp_path / "data" / f"renamed-{name}").write_text(text)
        return DataFile(hashlib.sha256(text.encode()).hexdigest(), len(text), name)

    return call


def test_declared_files_that_are_here_are_read(domain: Domain, publish: Any) -> None:
    loaded = load_domain(corpus(domain, files=(publish("away.txt", "far away\n"),)))
    assert [document.text for document in loaded.documents] == ["far away"]


def read_by_clock() -> Callable[[Path], list[Document]]:
    calls = iter(range(100))
    return lambda path: [Document(str(next(calls)), "text", "x")]


def fail(*_: Any) -> Any:
    raise DataError("notes.txt:3: damaged.")


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
        (fail, "corpus 'notes': notes.txt:3: damaged."),
        (leave, "corpus 'notes': SystemExit: 3"),
        (lambda path: [], "corpus 'notes': no document"),
        (lambda path: ["text"], "corpus 'notes': the reader yields str"),
        (lambda path: [Document("a", " ", "x")], "corpus 'notes': every text is empty"),
        (lambda path: [Document("a", "b", "x")] * 2, "corpus 'notes': id 'a' twice"),
        (connect, "reading asks the network: 127.0.0.1"),
    ],
)
def test_corpora_that_do_not_load(read: Any, what: str, domain: Domain) -> None:
    assert check_samples(load_domain(corpus(domain, read=read))).what.startswith(what)


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (fail, "notes.txt:3: damaged."),
        (leave, "{}/train.tsv: the reader of 'knot-names' called `sys.exit(3)`."),
        (lambda *_: [], "{}/train.tsv has no sentence."),
        (lambda *_: [ONE], "{}/train.tsv, sentence 1: the reader gave Example."),
        (tagged(Sentence(("a", "b"), ("O",))), "{}/train.tsv, sentence 1: 2 words, 1 tags."),
        (tagged(Sentence(("a",), ("S-Knot",))), "{}/train.tsv, sentence 1: tag 'S-Knot'; expected"),
        (tagged(Sentence(("a",), ("B-Hitch",))), "{}/train.tsv has the type 'Hitch', which is not"),
    ],
)
def test_tasks_that_a_run_refuses(read: Any, what: str, domain: Domain, folder: Path) -> None:
    loaded = load_domain(task(domain, read=read))
    expected = f"task 'knot-names': {what.format(folder)}"
    assert check_samples(loaded).what.startswith(expected)
    assert loaded.tasks == []


def test_a_text_in_two_splits_is_refused(domain: Domain, folder: Path) -> None:
    (folder / "test.tsv").write_text("the\tO\nbend\tB-Knot\nheld\tO\n\nit\tO\nslipped\tO\n")
    found = check_splits(load_domain(domain))
    assert found.what == (
        "task 'knot-names': 1 texts of test are in train too; "
        "task 'knot-names': 1 texts of test are in validation too"
    )
    assert found.fix.startswith("keep each in one split; the first: 'it slipped'")


def test_published_overlap_and_rare_labels_are_shown_and_not_refused(
    domain: Domain, publish: Any
) -> None:
    rows = {"train": "one\ta|b\ntwo\tb\n", "validation": "one\ta\n", "test": "four\ta|c\n"}
    splits = {name: publish(f"{name}.tsv", f"text\tlabel\n{text}") for name, text in rows.items()}
    changes = {"kind": "classification", "labels": (), "multi_label": True, "splits": splits}
    loaded, published = (
        load_domain(task(domain, **changes)),
        "1 of validation in train, as published",
    )
    assert [check(loaded).line for check in (check_splits, check_labels, check_scores)] == [
        "ok    splits: 1 task, no packaged text in two splits; knot-names: " + published,
        "ok    labels: 1 task, train has every label; task 'knot-names': train never has c",
        "ok    scores: perfect predictions score 1.0 on 1 task",
    ]


@pytest.mark.parametrize(
    ("test", "changes", "what"),
    [
        (Example("t", ("a",)), {}, ""),
        (Example("t", ("a", "b")), {"multi_label": True, "labels": ()}, ""),
        (Example("t", ("b",)), {"multi_label": True, "levels": {"letter": 1}}, ""),
        (Example("t", ("c",)), {"multi_label": True, "labels": ()}, "train never has c"),
        (Example("t", ("a",)), {"labels": ("a", "b", "c")}, "train never has c"),
    ],
)
def test_train_has_every_label(
    test: Example, changes: dict[str, Any], what: str, domain: Domain
) -> None:
    loaded = load_domain(classified(domain, test, **changes))
    assert check_samples(loaded).ok
    if what:
        assert check_labels(loaded).what == f"task 'knot-names': {what}"
    else:
        assert check_labels(loaded).ok
        assert check_scores(loaded).ok


def test_a_class_needs_another(domain: Domain) -> None:
    same = [Example("one", ("a",)), Example("two", ("a",))]
    loaded = load_domain(classified(domain, ONE, same, labels=("a",), multi_label=True))
    assert "expected two or more" in check_samples(loaded).what


def test_perfect_predictions_survive_alignment_of_long_sentences(domain: Domain) -> None:
    long = Sentence(("bowline", "and") * 100, ("B-Knot", "O") * 100)
    assert check_scores(load_domain(task(domain, read=tagged(long)))).ok


@pytest.mark.parametrize(
    "read",
    [
        lambda _path, split: [Sentence((split,), ("O" if split == "test" else "B-Knot",))],
        lambda _path, split: [Sentence((split, "\u200b"), ("O", "B-Knot"))],
    ],
    ids=["no mention in test", "a word that no tokenizer sees"],
)
def test_lost_mentions_cannot_be_scored(read: Any, domain: Domain) -> None:
    found = check_scores(load_domain(task(domain, read=read)))
    assert found.what == "task 'knot-names': perfect predictions score 0.0000"
