"""The terms of a domain: readable, each once, and used by the sample texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from domainbert.plugin.domain import Document, Domain, Terms
from domainbert.plugin_check.loaded import Loaded
from domainbert.plugin_check.outcome import Outcome, Problem, outcome

# Joiners are letters' neighbours in some scripts, not dirt.
_JOINERS = {"\u200c", "\u200d"}
_DIRT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check_terms(domain: Domain, loaded: Loaded) -> Outcome:
    """Check the lexicon, line by line, and against the documents that could be read."""
    if domain.terms is None:
        return outcome("terms", "none declared", [])
    try:
        lines = domain.terms.path.read_text(encoding="utf-8").split("\n")
        terms = domain.terms.read()
    except (OSError, ValueError) as error:
        fix = "a UTF-8 text file, one term a line, in the package"
        return outcome("terms", "", [Problem(f"{domain.terms.path}: {error}", fix)])
    problems = list(_line_problems(domain.terms, lines))
    documents = [document for found in loaded.corpora.values() for document in found]
    used = used_terms(terms, documents)
    if not terms:
        problems.append(Problem("no terms", "add some, or declare `terms=None`"))
    elif documents and not used:
        fix = "take terms from the field's own texts, spelt as they are there"
        problems.append(Problem(f"none of {len(terms)} terms is in {len(documents)} texts", fix))
    summary = f"{len(terms):,} terms, {len(used):,} of them in {len(documents):,} texts"
    return outcome("terms", summary, problems)


def used_terms(terms: tuple[str, ...], documents: list[Document]) -> set[str]:
    """Return the terms that occur in the texts as whole words, whatever their case."""
    texts = [f" {_folded(document.text)} " for document in documents]
    spaced = "".join(texts)
    return {term for term in terms if f" {_folded(term)} " in spaced}


def _folded(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _line_problems(terms: Terms, lines: list[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        where = f"{terms.path.name}:{number}"
        if line.startswith("#") or not line:
            continue
        dirt = [c for c in line if unicodedata.category(c) in _DIRT and c not in _JOINERS]
        if dirt:
            what = f"{where}: control character U+{ord(dirt[0]):04X}"
            yield Problem(
                what, "save the list as plain UTF-8 with line ends `\\n`, one term a line"
            )
        elif line != " ".join(line.split()):
            yield Problem(f"{where}: stray blanks in {line!r}", "one blank between words, no other")
        elif line != unicodedata.normalize("NFC", line):
            yield Problem(
                f"{where}: {line!r} is not in Unicode NFC", "texts are; normalise the list"
            )
        elif line in seen:
            yield Problem(f"{where}: {line!r} stands in line {seen[line]} too", "keep one of them")
        seen.setdefault(line, number)
