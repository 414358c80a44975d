"""The terms of a domain: readable, each once, and used by the sample texts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from domainbert.errors import DataError
from domainbert.plugin.domain import Document, Domain
from domainbert.plugin_check.outcome import Outcome, Problem, outcome

# Joiners are letters' neighbours in some scripts, not dirt.
_JOINERS = {"\u200c", "\u200d"}
_DIRT = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check_terms(domain: Domain, documents: Sequence[Document]) -> Outcome:
    """Check the lexicon, line by line, and against the documents that could be read."""
    if domain.terms is None:
        return outcome("terms", "none declared")
    path = domain.terms.path
    try:
        terms = domain.terms.read()
    except DataError as error:
        return outcome("terms", "", [(str(error), "a UTF-8 text file, one term per line")])
    lines = path.read_text(encoding="utf-8").split("\n")
    problems = [(f"{path.name}:{what}", fix) for what, fix in _line_problems(lines)]
    used = _used(terms, documents)
    if not terms:
        problems.append(("no terms", "add some, or declare `terms=None`"))
    elif documents and not used:
        fix = "take terms from the field's own texts, spelt as they are there"
        problems.append((f"none of {len(terms)} terms is in {len(documents)} texts", fix))
    summary = f"{len(terms):,} terms, {used:,} of them in {len(documents):,} texts"
    return outcome("terms", summary, problems)


def _used(terms: Sequence[str], documents: Sequence[Document]) -> int:
    """Return the number of terms in the texts, as whole words, whatever their case."""
    texts = "".join(f" {_folded(document.text)} " for document in documents)
    return sum(f" {_folded(term)} " in texts for term in set(terms))


def _folded(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _line_problems(lines: Sequence[str]) -> Iterator[Problem]:
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, 1):
        if line.startswith("#") or not line:
            continue
        dirt = [c for c in line if unicodedata.category(c) in _DIRT and c not in _JOINERS]
        if dirt:
            fix = "save the list as plain UTF-8 with line ends `\\n`, one term per line"
            yield f"{number}: control character U+{ord(dirt[0]):04X}", fix
        elif line != " ".join(line.split()):
            yield f"{number}: stray blanks in {line!r}", "one blank between words, no other"
        elif line != unicodedata.normalize("NFC", line):
            yield f"{number}: {line!r} is not in Unicode NFC", "texts are; normalise the list"
        elif line in seen:
            yield f"{number}: {line!r} is in line {seen[line]} too", "keep one of them"
        seen.setdefault(line, number)
