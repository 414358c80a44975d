"""Write chosen entries into a WordPiece vocabulary, so that no other word is cut otherwise.

A plain entry `angina` would also be taken as the beginning of `anginal`, and WordPiece has no sign
for the end of a word. So the last character of each entry is a private one that no text can bring
in, its twin, and the last steps of the normaliser put the twin at the end of the listed words and
of no others. An entry is then found where a listed word ends and nowhere else: every other word
keeps its ids, seen before or not. Entries are as long as the words that they stand for (by that
transformers knows words from parts of words), offsets stay exact, and decoding puts the ordinary
character back. docs/how-to/extend-the-vocabulary.md compares this with plain entries.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import count, islice
from pathlib import Path
from typing import Any

from domainbert.errors import BaseModelError, RunFailed, RunFolderError
from domainbert.recipe.sections import VocabularySection
from domainbert.storage.files import read_json, sha256_of, write_json
from domainbert.tokenizer.candidates import find_candidates
from domainbert.tokenizer.load import PRIVATE_USE, VOCABULARY_FILE, encode_texts, fingerprint
from domainbert.tokenizer.select import Entry, choose_entries
from domainbert.tokenizer.wordpiece import INSIDE, count_words, unused_mark

# 1 had a mark behind each entry, by which transformers took words for parts of words.
_VERSION = 2
UNUSED = re.compile(r"\[unused\d+\]")


@dataclass(frozen=True)
class Extension:
    """New entries of a vocabulary; kept as `vocabulary.json`.

    Args:
        entries: By tokens saved, most first.
        words: Every word that is cut otherwise from now on, sorted.
        tokens: Tokens of the corpus before.
        terms: Counts of the terms; see `Candidates`.
        ids: Id of each entry.
        mark: The first character that no entry had. It marks listed words while a text is
            normalised; those that follow it are the twins.
        slots: `grow` or `unused`.
    """

    entries: tuple[Entry, ...]
    words: tuple[str, ...]
    tokens: int
    terms: dict[str, int]
    ids: tuple[int, ...]
    mark: str
    slots: str

    def twins(self) -> dict[str, str]:
        """Return the private character for each one at the end of a listed word."""
        last = sorted({word[-1] for word in self.words})
        return {character: chr(ord(self.mark) + n) for n, character in enumerate(last, 1)}

    def sha256(self) -> str:
        """Return a hash of everything that decides about ids."""
        content = [[entry.text for entry in self.entries], self.ids, self.words, self.mark]
        return sha256_of(json.dumps(content))

    def summary(self) -> dict[str, Any]:
        """Return the counts for people."""
        return {
            "entries": len(self.entries),
            "continuations": sum(entry.text not in self.words for entry in self.entries),
            "terms": sum(entry.term for entry in self.entries),
            "words": len(self.words),
            "slots": self.slots,
            "tokens_before": self.tokens,
            "tokens_saved": sum(entry.saved for entry in self.entries),
        }

    def line(self) -> str:
        """Return one line on the entries and the tokens that they save."""
        counts = self.summary()
        saved, before = counts["tokens_saved"], counts["tokens_before"]
        return (
            f"{counts['entries']:,} entries added ({counts['continuations']:,} of them word "
            f"endings), {counts['words']:,} words shorter, {saved:,} of {before:,} tokens saved "
            f"({100 * saved / before:.1f} %)"
        )


def build_extension(
    tokenizer: Any, counts: Counter[str], terms: Iterable[str], section: VocabularySection
) -> tuple[Extension, Any]:
    """Return the entries that save most tokens of a text, and the tokenizer with them.

    Args:
        tokenizer: One that `check_wordpiece` accepts.
        counts: Words of the text.
        terms: The domain's terms.
        section: Number and kind of entries.

    Raises:
        DataError: No entry saves a token.
        BaseModelError: After too many extensions no private characters are left.
    """
    terms = tuple(terms)
    least = section.min_frequency if section.mine else None
    candidates = find_candidates(tokenizer, counts, terms, least)
    vocabulary, size = tokenizer.get_vocab(), section.size
    ids: Iterable[int] = count(max(vocabulary.values()) + 1)
    if section.slots == "unused":
        ids = [vocabulary[name] for name in free_slots(tokenizer)]
        size = min(size or len(ids), len(ids))
    prefix = tokenizer.backend_tokenizer.model.continuing_subword_prefix
    entries, listed = choose_entries(candidates, prefix, size, section.min_gain or 0.0)
    new, mark = tuple(islice(ids, len(entries))), unused_mark(tokenizer)
    tokens, term_counts = candidates.tokens, candidates.terms
    extension = Extension(entries, listed, tokens, term_counts, new, mark, section.slots)
    if ord(mark) + len(extension.twins()) >= PRIVATE_USE.stop:
        raise BaseModelError(
            "the tokenizer was extended too often: no private characters are left."
        )
    extended = extend_tokenizer(tokenizer, extension)
    check_extension(tokenizer, extended, extension, {*counts, *count_words(tokenizer, terms)})
    return extension, extended


def free_slots(tokenizer: Any) -> list[str]:
    """Return the `[unusedN]` entries by number; those that someone gave a use are not free."""
    taken = {token.content for token in tokenizer.added_tokens_decoder.values()}
    free = [e for e in tokenizer.get_vocab() if UNUSED.fullmatch(e) and e not in taken]
    return sorted(free, key=lambda entry: int(entry[7:-1]))


def check_slots(tokenizer: Any, slots: str, size: int | None) -> None:
    """Refuse to fill more unused slots than there are.

    Raises:
        BaseModelError: There are too few.
    """
    free = len(free_slots(tokenizer))
    if slots == "unused" and free < (size or 1):
        raise BaseModelError(
            f"slots: unused: the vocabulary has {free} free [unused] entries, {size or 1} are "
            "needed. Take fewer, or `slots: grow`."
        )


def extend_tokenizer(tokenizer: Any, extension: Extension) -> Any:
    """Return a new tokenizer with the entries.

    Args:
        tokenizer: The one that the extension was planned for; it is not changed.
        extension: Entries and ids.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    spec = json.loads(tokenizer.backend_tokenizer.to_str())
    given = set(extension.ids)
    vocabulary = {k: v for k, v in spec["model"]["vocab"].items() if v not in given}
    twins, mark = extension.twins(), extension.mark
    ended = [entry.text[:-1] + twins[entry.text[-1]] for entry in extension.entries]
    spec["model"]["vocab"] = vocabulary | dict(zip(ended, extension.ids, strict=True))
    pattern = rf"(?<!{INSIDE})(?:{word_trie(extension.words)})(?!{INSIDE})\K"
    put = {"type": "Replace", "pattern": {"Regex": pattern}, "content": mark}
    change = [_replace(character + mark, twin) for character, twin in twins.items()]
    spec["normalizer"] = {"type": "Sequence", "normalizers": [spec["normalizer"], put, *change]}
    back = [_replace(twin, character) for character, twin in twins.items()]
    steps = [step for step in (spec["decoder"], *back) if step]
    spec["decoder"] = {"type": "Sequence", "decoders": steps}
    # The classes of single models rebuild their normaliser and would lose the mark.
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(spec)),
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        **tokenizer.special_tokens_map,
    )


def _replace(old: str, new: str) -> dict[str, Any]:
    return {"type": "Replace", "pattern": {"String": old}, "content": new}


def word_trie(words: Iterable[str]) -> str:
    """Return a regular expression of the words that reads each character once."""
    root: dict[str, Any] = {}
    for word in words:
        node = root
        for character in word:
            node = node.setdefault(character, {})
        node[""] = {}
    return _branches(root)


def _branches(node: dict[str, Any]) -> str:
    branches = [key + _branches(node[key]) for key in sorted(node) if key]
    if not branches:
        return ""
    if len(branches) == 1 and "" not in node:
        return branches[0]
    return f"(?:{'|'.join(branches)})" + ("?" if "" in node else "")


def check_extension(old: Any, new: Any, extension: Extension, words: Iterable[str]) -> None:
    """Check on all words at hand that the extension does what it promises.

    Args:
        old: The tokenizer before.
        new: The tokenizer after.
        extension: The new entries.
        words: Words to compare.

    Raises:
        RunFailed: Another word changed, or an entry cannot be reached.
    """
    others = sorted(set(words).difference(extension.words))
    pairs = zip(others, encode_texts(old, others), encode_texts(new, others), strict=True)
    changed = [word for word, before, after in pairs if before != after]
    unreached = set(extension.ids).difference(*encode_texts(new, list(extension.words)))
    if changed or unreached:
        raise RunFailed(
            f"the extended tokenizer cuts {len(changed)} other words otherwise "
            f"({', '.join(changed[:3])}) and does not reach {len(unreached)} entries. "
            "Please report this with the name of the base model."
        )


def write_extension(folder: Path, extension: Extension, tokenizer: Any) -> None:
    """Write `vocabulary.json`, which also says how the extended tokenizer has to behave."""
    added = zip(extension.ids, extension.entries, strict=True)
    record = {
        "version": _VERSION,
        "fingerprint": fingerprint(tokenizer),
        "sha256": extension.sha256(),
        "mark": f"U+{ord(extension.mark):04X}",
        **extension.summary(),
        "terms_read": extension.terms,
        "added": [{"id": number, **asdict(entry)} for number, entry in added],
        "listed": extension.words,
    }
    write_json(folder / VOCABULARY_FILE, record)


def read_extension(folder: Path) -> Extension:
    """Read `vocabulary.json`.

    Raises:
        RunFolderError: It was edited or damaged.
    """
    path = folder / VOCABULARY_FILE
    try:
        record = read_json(path)
        ids = tuple(item.pop("id") for item in record["added"])
        extension = Extension(
            tuple(Entry(**{**item, "pieces": tuple(item["pieces"])}) for item in record["added"]),
            tuple(record["listed"]),
            record["tokens_before"],
            record["terms_read"],
            ids,
            chr(int(record["mark"].removeprefix("U+"), 16)),
            record["slots"],
        )
        if extension.sha256() == record["sha256"] and record["version"] == _VERSION:
            return extension
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        pass
    raise RunFolderError(
        f"{path}: was edited or damaged, or is of an older release. Restore it, or start again "
        "with another --out."
    )
