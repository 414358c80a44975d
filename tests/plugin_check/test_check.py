from __future__ import annotations

import contextlib
import json
import shutil
import socket
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from domainbert import Corpus, DataError, DataFile, Document, Domain, Example, Sentence, Task, Terms
from domainbert.errors import PluginError
from domainbert.plugin.registry import load_plugins
from domainbert.plugin_check.declared import (
    check_files,
    check_licences,
    check_names,
    check_requirement,
)
from domainbert.plugin_check.imports import check_imports
from domainbert.plugin_check.labelled import check_labels, check_scores, check_splits
from domainbert.plugin_check.lexicon import check_terms
from domainbert.plugin_check.loaded import check_samples, load_domain
from domainbert.plugin_check.outcome import Problem, count, outcome, some
from domainbert.plugin_check.runs import check_recipes, check_runs, find_recipes
from domainbert.plugin_check.subject import Subject, find_plugin, subject_of, subjects_of
from domainbert.recipe.resolve import load_recipe
from domainbert.testing import Outcome, assert_domain, check_domain

NEVER = DataFile("0123456789abcdef" * 4, 7, "away.txt", "https://example.org/away.txt")
TEXTS = ["The rope held.", "A knot slipped twice.", "Tar keeps rope dry.", "Nothing broke."]


def read_lines(path: Path) -> Iterator[Document]:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        yield Document(f"{path.stem}-{number}", line, f"{path.name}:{number}")


def columns(*sentences: str) -> str:
    """Sentences with `*` before a word that is a mention."""
    lines = [
        "".join(f"{w.lstrip('*')}\t{'B-Knot' if w[0] == '*' else 'O'}\n" for w in sentence.split())
        for sentence in sentences
    ]
    return "\n".join(lines)


@pytest.fixture
def domain(bare_environment: None, tmp_path: Path) -> Domain:
    """A domain with nothing wrong, its files in the folder `plugin`."""
    folder = tmp_path / "plugin"
    (folder / "recipes").mkdir(parents=True)
    (folder / "corpus.txt").write_text("\n".join(TEXTS) + "\n")
    (folder / "terms.txt").write_text("# Terms\nrope\ntar\nsheet bend\n")
    splits = {
        "train": columns("the *bowline held", "a *hitch and a *bend", "it slipped"),
        "validation": columns("the *bend held"),
        "test": columns("a *bowline slipped", "no wind today"),
    }
    for split, text in splits.items():
        (folder / f"{split}.tsv").write_text(text)
    (folder / "recipes" / "quickstart.yaml").write_text(
        "name: knots-quickstart\ndomain: knots\nbase: ./none\ncorpus: [{name: notes}]\n"
        "held_out: {fraction: 0.3}\ntrain: {steps: 500}\ntasks: [knot-names]\n"
    )
    return Domain(
        name="knots",
        title="Knots",
        corpora=(
            Corpus("notes", "Notes", "CC0-1.0", "Mine", read_lines, (folder / "corpus.txt",)),
        ),
        terms=Terms(folder / "terms.txt", "CC0-1.0", "Mine"),
        tasks=(
            Task(
                name="knot-names",
                title="Names of knots",
                kind="tagging",
                licence="CC0-1.0",
                origin="Mine",
                version="1",
                splits={split: folder / f"{split}.tsv" for split in splits},
                labels=("Knot",),
                sample=True,
            ),
        ),
        recipes=folder / "recipes",
        default_recipe="knots/quickstart",
    )


def task(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, tasks=(replace(domain.tasks[0], **changes),))


def corpus(domain: Domain, **changes: Any) -> Domain:
    return replace(domain, corpora=(replace(domain.corpora[0], **changes),))


def failed(found: Outcome) -> tuple[str, str]:
    assert not found.ok
    assert "\n" not in found.line
    return found.what, found.fix


# --- the line ----------------------------------------------------------------------------------


def test_the_line_of_an_outcome() -> None:
    assert Outcome("names", True, "3 names").line == "ok    names: 3 names"
    assert Outcome("names", False, "no title", "add one").line == (
        "FAIL  names: no title  → add one"
    )


def test_problems_become_one_line_and_each_fix_is_told_once() -> None:
    problems = [Problem(f"p{n}\nx", "fix a" if n < 2 else "fix b") for n in range(5)]
    assert outcome("x", "fine", problems) == Outcome(
        "x", False, "p0 x; p1 x; p2 x; and 2 more", "fix a; fix b"
    )
    assert outcome("x", "fine", []) == Outcome("x", True, "fine")


def test_counts_and_lists_are_told_in_words() -> None:
    assert [count(n, "task") for n in (0, 1, 2000)] == ["0 tasks", "1 task", "2,000 tasks"]
    assert [some("abcde"[:n]) for n in (0, 3, 5)] == ["", "a, b, c", "a, b, c and 2 more"]


# --- declarations ------------------------------------------------------------------------------


def test_a_good_declaration_passes(domain: Domain, tmp_path: Path) -> None:
    subject = Subject(domain, folder=tmp_path / "plugin")
    assert check_names(subject).line == "ok    names: 3 names with titles"
    assert check_licences(subject).line == "ok    licences: 3 licences with origins"
    assert check_files(subject).line == "ok    hashes: 0 declared files, 5 in the package"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"title": " "}, "task 'knot-names': title ' '"),
        ({"title": "two\nlines"}, r"task 'knot-names': title 'two\nlines'"),
        ({"kind": "parsing"}, "task 'knot-names': kind 'parsing'"),
        ({"version": ""}, "task 'knot-names': no version"),
        ({"labels": ("A", "B", "A")}, "task 'knot-names': label 'A' twice"),
        ({"labels": ("A|B",)}, "task 'knot-names': a label is blank or has '|' in it"),
        ({"multi_label": True}, "task 'knot-names': multi_label and levels are for classification"),
        (
            {"kind": "classification", "multi_label": True, "levels": {"section": 0}},
            "task 'knot-names': levels {'section': 0}",
        ),
    ],
)
def test_names_and_shape(changes: dict[str, Any], what: str, domain: Domain) -> None:
    assert failed(check_names(Subject(task(domain, **changes))))[0] == what


def test_multi_label_tasks_may_leave_their_labels_to_the_data(domain: Domain) -> None:
    free = task(domain, kind="classification", labels=(), multi_label=True)
    assert check_names(Subject(free)).ok


@pytest.mark.parametrize(
    ("licence", "ok"),
    [
        ("CC0-1.0", True),
        ("MIT", True),
        ("LicenseRef-Own", True),
        ("Public domain, a work of the government", True),
        ("", False),
        ("  ", False),
        ("TODO", False),
        ("unknown", False),
        ("CC0", False),
    ],
)
def test_licences_are_identifiers_or_sentences(licence: str, ok: bool, domain: Domain) -> None:
    found = check_licences(Subject(corpus(domain, licence=licence)))
    assert found.ok == ok
    if not ok:
        assert "corpus 'notes': " in found.what
        assert "SPDX" in found.fix


def test_origins_are_wanted(domain: Domain) -> None:
    assert failed(check_licences(Subject(task(domain, origin=" ")))) == (
        "task 'knot-names': no origin",
        "say where it was published, or how it was made",
    )


@pytest.mark.parametrize(
    ("file", "what"),
    [
        (replace(NEVER, size=0), "corpus 'notes': away.txt has size 0"),
        (replace(NEVER, sha256="0" * 64), "corpus 'notes': away.txt has sha256 00000000…"),
        (replace(NEVER, url="ftp://example.org/x"), "corpus 'notes': away.txt has no web address"),
        (replace(NEVER, url="https:///x"), "corpus 'notes': away.txt has no web address"),
        (
            replace(NEVER, url="https://me:secret@example.org/x"),
            "corpus 'notes': away.txt has a password in its address",
        ),
    ],
)
def test_declared_files(file: DataFile, what: str, domain: Domain) -> None:
    found = check_files(Subject(corpus(domain, files=(file,))))
    assert failed(found)[0] == what
    assert "secret@" not in found.line


def test_files_of_the_package_exist_and_are_inside_it(domain: Domain, tmp_path: Path) -> None:
    lost = tmp_path / "plugin" / "lost.txt"
    inside = Subject(corpus(domain, files=(lost,)), folder=tmp_path / "plugin")
    assert failed(check_files(inside))[0] == f"corpus 'notes': no file {lost}"
    (tmp_path / "away.txt").write_text("x")
    outside = replace(inside, domain=corpus(domain, files=(tmp_path / "away.txt",)))
    assert failed(check_files(outside))[0] == (
        f"corpus 'notes': {tmp_path / 'away.txt'} is outside of the plugin"
    )
    gone = replace(inside, domain=replace(domain, recipes=tmp_path / "none"))
    assert failed(check_files(gone))[0] == f"recipes: no folder {tmp_path / 'none'}"


# --- the plugin --------------------------------------------------------------------------------

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


def test_a_domain_finds_its_plugin(planted: Callable[..., Subject], shelf: Any) -> None:
    subject = planted()
    assert subject.plugin is not None
    assert (subject.plugin.name, subject.target) == ("knots", "domainbert_knots")
    assert subject.folder == shelf.folder
    assert not subject.is_file
    assert check_names(subject).ok


def test_names_of_entry_point_and_distribution(planted: Callable[..., Subject]) -> None:
    what, fix = failed(check_names(planted("ropes", "cords")))
    assert what == "entry point 'cords' provides knots; distribution 'ropes'"
    assert "name the entry point 'knots'" in fix
    assert "name it 'domainbert-knots'" in fix


@pytest.mark.parametrize(
    ("requires", "line"),
    [
        (("numpy", "domainbert>=0.1,<0.2"), "ok    requires: domainbert<0.2,>=0.1"),
        (("domainbert~=0.1.0",), "ok    requires: domainbert~=0.1.0"),
        (("domainbert>=0.1",), "FAIL  requires: domainbert-knots requires 'domainbert>=0.1'"),
        (("domainbert",), "FAIL  requires: domainbert-knots requires 'domainbert', without"),
        (("domainbert-x<1", "?"), "FAIL  requires: domainbert-knots does not require domainbert "),
    ],
)
def test_the_requirement_has_an_upper_bound(
    requires: tuple[str, ...], line: str, planted: Callable[..., Subject]
) -> None:
    assert check_requirement(planted(requires=requires)).line.startswith(line)


def test_the_distribution_states_a_licence(planted: Callable[..., Subject], shelf: Any) -> None:
    subject = planted()
    assert failed(check_licences(subject))[0] == "distribution 'domainbert-knots': no licence"
    (path,) = shelf.folder.glob("*.dist-info/METADATA")
    path.write_text(path.read_text() + "License-Expression: MIT\n")
    assert check_licences(subject).ok


def test_light_imports_pass(planted: Callable[..., Subject]) -> None:
    assert [found.line for found in check_imports(planted(first="print('noise')"))] == [
        "ok    imports: domainbert_knots loads nothing heavy",
        "ok    network: not asked while importing",
    ]


@pytest.mark.parametrize("place", ["first", "inside"])
def test_heavy_imports_are_named(place: str, planted: Callable[..., Subject]) -> None:
    imports, network = check_imports(planted(**{place: "import numpy"}))
    assert failed(imports) == (
        "importing domainbert_knots imports numpy",
        "import it inside the function that needs it",
    )
    assert network.ok


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
        "import socket; socket.getaddrinfo('example.org', 80)",
    ],
)
def test_network_while_importing_is_told_even_if_the_error_is_caught(
    code: str, planted: Callable[..., Subject]
) -> None:
    module, call = code.split("; ")
    inside = f"{module}\n    try: {call}\n    except OSError: pass"
    imports, network = check_imports(planted(inside=inside))
    assert imports.ok
    what, fix = failed(network)
    assert what.startswith("importing domainbert_knots asks the network: socket.")
    assert "DataFile" in fix


def test_a_plugin_that_needs_others_to_be_imported_first_is_told(
    planted: Callable[..., Subject],
) -> None:
    subject = planted(first="import sys; assert 'pytest' in sys.modules, 'no pytest'")
    (found,) = check_imports(subject)
    assert failed(found)[0] == "domainbert_knots: AssertionError: no pytest"


@pytest.mark.parametrize("code", ["os._exit(3)", "os.close(1)"])
def test_a_plugin_that_ends_the_interpreter_is_told(
    code: str, planted: Callable[..., Subject]
) -> None:
    first = f"import os, sys\nif 'pytest' not in sys.modules: {code}"
    (found,) = check_imports(planted(first=first))
    assert failed(found)[0].startswith("domainbert_knots: the interpreter ended with code ")


def test_a_domain_that_no_plugin_yields(domain: Domain) -> None:
    assert subject_of(domain) == Subject(domain)
    (found,) = check_imports(Subject(domain))
    assert failed(found)[0] == "no installed plugin yields the domain 'knots'"


def test_plugins_are_found_by_every_name_they_have(
    planted: Callable[..., Subject], tmp_path: Path
) -> None:
    planted("domainbert-ropes", "ropes")
    own = tmp_path / "cords.py"
    own.write_text(textwrap.dedent(PLUGIN).format(first="", inside="").replace("knots", "ties"))
    registry = load_plugins([own])
    found = [find_plugin(name, registry).name for name in ("ropes", "domainbert-ropes", "knots")]
    assert found == ["ropes"] * 3
    assert {find_plugin(name, registry).name for name in ("ties", "cords", str(own))} == {str(own)}
    with pytest.raises(PluginError, match=r"^Unknown plugin 'none'\. Installed: .*ropes.*--plugin"):
        find_plugin("none", registry)


ADDING = """
    import pathlib
    import domainbert

    SPLITS = {split: pathlib.Path(split) for split in ("train", "validation", "test")}

    @domainbert.hookimpl
    def domainbert_domains():
        yield domainbert.Domain(name="cords", title="Cords")

    @domainbert.hookimpl
    def domainbert_tasks():
        for name in ("one", "two"):
            yield "knots", domainbert.Task(
                name, "T", "tagging", "CC0-1.0", "here", "1", SPLITS, ("Entity",)
            )
"""


def test_tasks_for_the_domain_of_another_are_checked_with_the_plugin_that_adds_them(
    shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-knots", textwrap.dedent(PLUGIN).format(first="", inside=""))
    shelf.add("fake-cords", ADDING)
    monkeypatch.setenv("DOMAINBERT_PLUGINS", "fake-knots,fake-cords")
    registry = load_plugins()

    def shapes(name: str) -> list[tuple[str, list[str]]]:
        subjects = subjects_of(find_plugin(name, registry), registry)
        return [(s.domain.name, [t.name for t in s.domain.tasks]) for s in subjects]

    assert shapes("fake-cords") == [("cords", []), ("knots", ["one", "two"])]
    assert shapes("fake-knots") == [("knots", [])]


# --- data --------------------------------------------------------------------------------------


def samples(domain: Domain) -> Outcome:
    return check_samples(load_domain(domain))


def test_good_samples_pass(domain: Domain) -> None:
    loaded = load_domain(domain)
    assert check_samples(loaded).line == (
        "ok    samples: 4 documents and 6 labelled texts, read twice alike, offline"
    )
    assert check_splits(loaded).line == "ok    splits: 1 task, no text of the package in two splits"
    assert check_labels(loaded).line == "ok    labels: 1 task, labels found are those declared"
    assert check_scores(loaded).line == "ok    scores: perfect predictions score 1.0 on 1 task"
    assert check_terms(domain, loaded).line == "ok    terms: 3 terms, 2 of them in 4 texts"


def test_files_that_are_not_here_are_left_out_and_nothing_is_downloaded(domain: Domain) -> None:
    away = corpus(task(domain, splits=dict.fromkeys(domain.tasks[0].splits, NEVER)), files=(NEVER,))
    loaded = load_domain(replace(away, terms=None))
    assert (loaded.corpora, loaded.tasks) == ({}, [])
    assert check_samples(loaded).line == (
        "ok    samples: 0 documents and 0 labelled texts, read twice alike, offline; not read, "
        "files are not here: corpus 'notes', task 'knot-names'"
    )


def test_declared_files_that_are_here_are_read(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    content = b"far away\n"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "renamed.txt").write_bytes(content)
    here = replace(NEVER, sha256=hashlib.sha256(content).hexdigest(), size=len(content))
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "data"))
    loaded = load_domain(corpus(domain, files=(here,)))
    assert [document.text for document in loaded.corpora["notes"]] == ["far away"]


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
    assert failed(samples(corpus(domain, read=read)))[0].startswith(what)


def test_the_network_is_back_afterwards(domain: Domain) -> None:
    before = (socket.socket.connect, socket.getaddrinfo)
    load_domain(domain)
    assert (socket.socket.connect, socket.getaddrinfo) == before


def tagged(*sentences: Sentence) -> Callable[[Path, str], list[Sentence]]:
    return lambda path, split: list(sentences)


@pytest.mark.parametrize(
    ("read", "what"),
    [
        (fail, "task 'knot-names', train: notes.txt:3: damaged."),
        (tagged(), "task 'knot-names', train: is empty; task 'knot-names', validation: is empty"),
        (tagged(Sentence(("a", "b"), ("O",))), "task 'knot-names', train: sentence 1: 2 words, 1"),
        (tagged(Sentence(("a", ""), ("O", "O"))), "task 'knot-names', train: sentence 1: a blank"),
        (lambda path, split: [Example("a", ("b",))], "task 'knot-names', train: the reader yields"),
    ],
)
def test_tasks_that_do_not_load(read: Any, what: str, domain: Domain) -> None:
    loaded = load_domain(task(domain, read=read))
    assert failed(check_samples(loaded))[0].startswith(what)
    assert loaded.tasks == []


def write(domain: Domain, **splits: str) -> Domain:
    for split, text in splits.items():
        path = domain.tasks[0].splits[split]
        assert isinstance(path, Path)
        path.write_text(text)
    return domain


def test_a_text_in_two_splits_is_refused(domain: Domain) -> None:
    both = columns("the *bend held", "it slipped")
    write(domain, test=both)
    what, fix = failed(check_splits(load_domain(domain)))
    assert what == (
        "task 'knot-names': 1 texts of test are in train too; "
        "task 'knot-names': 1 texts of test are in validation too"
    )
    assert fix.startswith("keep each in one split; the first is 'it slipped'")


def test_published_overlap_is_told_and_not_refused(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    content = columns("the *bend held").encode()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "all.tsv").write_bytes(content)
    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path / "data"))
    here = DataFile(hashlib.sha256(content).hexdigest(), len(content), "all.tsv")
    found = check_splits(
        load_domain(task(domain, splits=dict.fromkeys(domain.tasks[0].splits, here)))
    )
    assert found.line == (
        "ok    splits: 1 task, no text of the package in two splits; knot-names: 1 of test in "
        "train, as published; knot-names: 1 of validation in train, as published; knot-names: 1 of "
        "test in validation, as published"
    )


def test_labels_of_tagging(domain: Domain) -> None:
    other = write(domain, test="a\tB-Hitch\n")
    assert failed(check_labels(load_domain(other)))[0] == (
        "task 'knot-names': test has Hitch, which is not declared"
    )
    more = task(domain, labels=("Knot", "Hitch"))
    assert failed(check_labels(load_domain(more)))[0] == "task 'knot-names': train never has Hitch"


def test_tags_of_another_scheme(domain: Domain) -> None:
    read = tagged(Sentence(("a",), ("S-Knot",)))
    assert (
        "train, sentence 1: tag 'S-Knot'" in check_labels(load_domain(task(domain, read=read))).what
    )


def labelled(**splits: list[Example]) -> Callable[[Path, str], list[Example]]:
    return lambda path, split: splits[split]


def classified(domain: Domain, train: list[Example], test: Example, **changes: Any) -> Domain:
    read = labelled(train=train, validation=[replace(test, text="v")], test=[test])
    return task(domain, kind="classification", read=read, **{"labels": ("a", "b"), **changes})


ONE, TWO = Example("one", ("a",)), Example("two", ("b",))


@pytest.mark.parametrize(
    ("train", "test", "changes", "what"),
    [
        ([ONE, TWO], Example("t", ("a",)), {}, ""),
        ([ONE, TWO], Example("t", ("a", "b")), {"multi_label": True, "labels": ()}, ""),
        ([ONE, TWO], Example("t", ()), {"multi_label": True}, ""),
        ([ONE, TWO], Example("t", ("c",)), {}, "validation has c, which is not declared"),
        (
            [ONE, TWO],
            Example("t", ("c",)),
            {"multi_label": True, "labels": ()},
            "validation has c, which is not in train",
        ),
        ([ONE], Example("t", ("a",)), {}, "train never has b"),
        ([ONE, TWO], Example("t", ()), {}, "validation, example 1: 0 labels"),
        ([ONE, TWO], Example("t", ("a", "b")), {}, "validation, example 1: 2 labels"),
        (
            [ONE, TWO],
            Example("t", ("a", "a")),
            {"multi_label": True},
            "validation, example 1: a label twice",
        ),
    ],
)
def test_labels_of_classification(
    train: list[Example], test: Example, changes: dict[str, Any], what: str, domain: Domain
) -> None:
    loaded = load_domain(classified(domain, train, test, **changes))
    assert check_samples(loaded).ok
    found = check_labels(loaded)
    assert found.ok == (what == "")
    if what:
        assert found.what.startswith(f"task 'knot-names': {what}")


def test_examples_in_two_splits(domain: Domain) -> None:
    loaded = load_domain(classified(domain, [ONE, TWO], Example(" two ", ("b",))))
    assert failed(check_splits(loaded))[0] == (
        "task 'knot-names': 1 texts of test are in train too"
    )


@pytest.mark.parametrize(
    ("test", "changes"),
    [
        (Example("t", ("a",)), {}),
        (Example("t", ("b", "a")), {"multi_label": True}),
        (Example("t", ("b", "a")), {"multi_label": True, "labels": ()}),
        (Example("t", ("b",)), {"multi_label": True, "levels": {"letter": 1}}),
    ],
)
def test_perfect_classes_score_one(test: Example, changes: dict[str, Any], domain: Domain) -> None:
    loaded = load_domain(classified(domain, [ONE, TWO], test, **changes))
    assert check_scores(loaded).ok
    assert check_labels(loaded).ok


def test_examples_without_any_class_cannot_be_scored(domain: Domain) -> None:
    loaded = load_domain(classified(domain, [ONE, TWO], Example("t", ()), multi_label=True))
    assert failed(check_scores(loaded))[0] == (
        "task 'knot-names': perfect predictions score 0.0000"
    )


def test_rare_classes_of_published_data_are_told_and_not_refused(
    domain: Domain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    monkeypatch.setenv("DOMAINBERT_DATA", str(tmp_path))
    splits = {}
    rows = {"train": "one\ta|b\ntwo\tb\n", "validation": "three\ta\n", "test": "four\ta|c\n"}
    for split, text in rows.items():
        content = f"text\tlabel\n{text}".encode()
        (tmp_path / f"{split}.tsv").write_bytes(content)
        name = f"{split}.tsv"
        splits[split] = DataFile(hashlib.sha256(content).hexdigest(), len(content), name)
    changes = {"kind": "classification", "labels": (), "multi_label": True, "splits": splits}
    loaded = load_domain(task(domain, **changes))
    assert check_labels(loaded).line == (
        "ok    labels: 1 task, labels found are those declared; task 'knot-names': test has c, "
        "which is not in train"
    )
    assert check_scores(loaded).ok


def test_what_a_run_would_refuse_is_refused_here(domain: Domain) -> None:
    same = [Example("one", ("a",)), Example("two", ("a",))]
    found = classified(domain, same, Example("t", ("a",)), labels=("a",), multi_label=True)
    assert "has 1 class (a); expected two or more" in failed(check_labels(load_domain(found)))[0]


def test_perfect_predictions_survive_alignment_of_long_sentences(domain: Domain) -> None:
    long = " ".join(["*bowline", "and"] * 100)
    loaded = load_domain(write(domain, test=columns(long)))
    assert check_scores(loaded).ok


def test_a_test_split_without_mentions_cannot_be_scored(domain: Domain) -> None:
    loaded = load_domain(write(domain, test=columns("nothing here")))
    assert failed(check_scores(loaded))[0] == (
        "task 'knot-names': perfect predictions score 0.0000"
    )


def test_a_word_that_no_tokenizer_sees_is_a_lost_mention(domain: Domain) -> None:
    read = tagged(Sentence(("a", "\u200b"), ("O", "B-Knot")))
    loaded = load_domain(task(domain, read=read))
    assert failed(check_scores(loaded))[0] == (
        "task 'knot-names': perfect predictions score 0.0000"
    )


# --- terms -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"rope\nrope\n", "terms.txt:2: 'rope' stands in line 1 too"),
        (b" rope\n", "terms.txt:1: stray blanks in ' rope'"),
        (b"rope \n", "terms.txt:1: stray blanks in 'rope '"),
        (b"sheet  bend\nrope\n", "terms.txt:1: stray blanks in 'sheet  bend'"),
        (b"   \nrope\n", "terms.txt:1: stray blanks in '   '"),
        (b"ro\tpe\nrope\n", "terms.txt:1: control character U+0009"),
        (b"\xef\xbb\xbfrope\ntar\n", "terms.txt:1: control character U+FEFF"),
        ("rope\nno\u0308ck\n".encode(), "terms.txt:2: 'no\u0308ck' is not in Unicode NFC"),
        (b"rope\n\xff\n", "'utf-8' codec can't decode byte"),
        (b"# nothing\n", "no terms"),
        (b"anchor\nsail\n", "none of 2 terms is in 4 texts"),
        (b"rop\n", "none of 1 terms is in 4 texts"),
    ],
)
def test_terms_with_faults(content: bytes, what: str, domain: Domain) -> None:
    assert domain.terms is not None
    domain.terms.path.write_bytes(content)
    assert what in failed(check_terms(domain, load_domain(domain)))[0]


@pytest.mark.parametrize(
    "content", ["rope\n\n# More\nSheet-Bend\n", "ROPE\n", "rope", "rope\r\ntar\r\n"]
)
def test_terms_without_faults(content: str, domain: Domain) -> None:
    assert domain.terms is not None
    domain.terms.path.write_text(content)
    assert check_terms(domain, load_domain(domain)).ok


def test_a_domain_may_have_no_terms(domain: Domain) -> None:
    bare = replace(domain, terms=None)
    assert check_terms(bare, load_domain(bare)).line == "ok    terms: none declared"


# --- recipes -----------------------------------------------------------------------------------

FILE = """
import dataclasses
import pathlib
import domainbert

HERE = pathlib.Path(__file__).parent

def read_lines(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        yield domainbert.Document(f"{path.stem}-{number}", line, f"{path.name}:{number}")

@domainbert.hookimpl
def domainbert_domains():
    corpus = domainbert.Corpus(
        "notes", "Notes", "CC0-1.0", "Mine", read_lines, (HERE / "corpus.txt",)
    )
    splits = {split: HERE / f"{split}.tsv" for split in ("train", "validation", "test")}
    task = domainbert.Task(
        "knot-names", "Names of knots", "tagging", "CC0-1.0", "Mine", "1", splits, ("Knot",)
    )
    yield domainbert.Domain(
        name="knots", title="Knots", corpora=[corpus], tasks=[task],
        terms=domainbert.Terms(HERE / "terms.txt", "CC0-1.0", "Mine"),
        recipes=HERE / "recipes", default_recipe="knots/quickstart",
    )
"""


@pytest.fixture
def single(domain: Domain, tmp_path: Path) -> Path:
    """The domain as a single file beside its data."""
    path = tmp_path / "plugin" / "knots.py"
    path.write_text(FILE)
    return path


def subject_in(path: Path) -> Subject:
    return subject_of(load_plugins([path]).domain("knots"), path)


def test_every_check_of_a_single_file_in_order_its_samples_run_without_a_recipe(
    single: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Path]] = []

    def run(_subject: Subject, recipes: dict[str, Path], _folder: Path) -> dict[str, str]:
        # For real it is run by the test of the tutorial.
        asked.append(recipes)
        recipe = load_recipe(recipes["the samples"])
        assert (recipe.domain, [c.name for c in recipe.corpus]) == ("knots", ["notes"])
        assert [task.name for task in recipe.tasks] == ["knot-names"]
        return {"the samples": ""}

    monkeypatch.setattr("domainbert.plugin_check.runs._run", run)
    shutil.rmtree(single.parent / "recipes")
    single.write_text(FILE[: FILE.index("        recipes=")] + "    )\n")
    found = check_domain(load_plugins([single]).domain("knots"), single)
    assert [(item.name, item.line) for item in found if not item.ok] == []
    assert [item.name for item in found] == [
        "names", "licences", "hashes", "imports", "network", "samples", "splits", "labels",
        "terms", "scores", "recipes", "runs",
    ]  # fmt: skip
    assert len(asked) == 1
    assert [item.what for item in found[-2:]] == [
        "0 valid recipes",
        "the samples: adapted and evaluated in miniature",
    ]


def test_a_test_of_one_line_tells_every_failure(single: Path) -> None:
    found = load_plugins([single]).domain("knots")
    bad = replace(found, title="", corpora=(), tasks=(), recipes=None, default_recipe="knots/none")
    with pytest.raises(AssertionError) as caught:
        assert_domain(bad, single)
    first, *lines = str(caught.value).splitlines()
    assert first == "domain 'knots':"
    assert [line.split(":")[0] for line in lines] == ["FAIL  names", "FAIL  recipes"]


def test_recipes_that_are_not_valid_and_a_default_that_is_not_there(single: Path) -> None:
    path = single.parent / "recipes" / "quickstart.yaml"
    good = path.read_text()
    path.write_text(good.replace("steps", "stpes"))
    what, fix = failed(check_recipes(find_recipes(subject_in(single))))
    assert what.startswith("knots/quickstart: ")
    assert "unknown key. Did you mean 'steps'?" in what
    assert "`domainbert recipes validate knots/quickstart`" in fix
    path.write_text(good.replace("knot-names", "other"))
    assert "has no task 'other'" in check_recipes(find_recipes(subject_in(single))).what
    path.rename(path.with_name("slow.yaml"))
    path.with_name("slow.yaml").write_text(good)
    assert failed(check_recipes(find_recipes(subject_in(single)))) == (
        "default recipe 'knots/quickstart' does not exist",
        "name one of: knots/slow",
    )


def test_recipes_that_need_other_files_are_valid_but_not_run(single: Path) -> None:
    path = single.parent / "recipes" / "quickstart.yaml"
    own = path.read_text().replace("{name: notes}", "{name: notes, path: /data/*.txt}")
    path.with_name("large.yaml").write_text(own)
    recipes = find_recipes(subject_in(single))
    assert (sorted(recipes.valid), sorted(recipes.small)) == (
        ["knots/large", "knots/quickstart"],
        ["knots/quickstart"],
    )


def test_a_domain_with_nothing_to_run(domain: Domain) -> None:
    bare = Subject(replace(domain, corpora=(), tasks=(), recipes=None, default_recipe=None))
    assert check_runs(bare, find_recipes(bare)).ok


def test_outcomes_are_plain_data() -> None:
    from dataclasses import asdict

    told = json.loads(json.dumps(asdict(Outcome("a", False, "b", "c"))))
    assert told == {"name": "a", "ok": False, "what": "b", "fix": "c"}
