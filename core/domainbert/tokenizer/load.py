"""Load a tokenizer, check that it is the one that was saved, and encode corpus text with it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from domainbert.errors import BaseModelError, first_line
from domainbert.storage.files import sha256_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

VOCABULARY_FILE = "vocabulary.json"
"""Its file in the folder of an extended tokenizer: the new entries, and the fingerprint."""

PRIVATE_USE = range(0xE000, 0xF900)
"""Code points without a meaning, of which the mark of new entries is one."""

PIECE = 1 << 20
"""Characters that are tokenised at once."""

_MARKED = re.compile(f"[{chr(PRIVATE_USE[0])}-{chr(PRIVATE_USE[-1])}]")
_PROBE = (
    "The patient's 2.5-mg dose of N-acetylcysteine (NAC) was RAISED; see Fig. 3a-c.",
    "naïve résumé Straße ÅNGSTRÖM ﬁne ½ µg/ml ≥ 10⁻³ α-helix 漢字 🙂",
    "http://example.org/a?b=c&d=1%20e_f [MASK] <s> ##ing Ġword ▁word",
)


@dataclass(frozen=True)
class SpecialTokens:
    """What frames and masks a sequence.

    Args:
        prefix: Ids before the text, such as `[CLS]`.
        suffix: Ids after it, such as `[SEP]`.
        mask: Id of the mask token.
        pad: Id of the padding token.
        reserved: Every id that must not be predicted or drawn as a random replacement.
        between: Ids between the two parts of a pair, such as `[SEP]`; None if the tokenizer
            frames pairs in another way than prefix, part, these, part, suffix.
    """

    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    mask: int
    pad: int
    reserved: tuple[int, ...]
    between: tuple[int, ...] | None = None

    def room(self, max_length: int, paired: bool = False) -> int:
        """Return the tokens of text that fit into a sequence of `max_seq_length`.

        Args:
            max_length: Special tokens included.
            paired: Whether the text is framed as two parts.
        """
        between = self.between or () if paired else ()
        return max_length - len(self.prefix) - len(between) - len(self.suffix)


def load_tokenizer(folder: Path) -> Any:
    """Load a fast tokenizer from a local folder, running no code from it.

    Raises:
        BaseModelError: There is none, or it cannot be used for masked-LM pretraining.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # a damaged file can make transformers raise anything
        raise BaseModelError(f"{folder}: no usable tokenizer: {first_line(error)}") from None
    reason = ""
    if not tokenizer.is_fast:
        reason = "needs a fast tokenizer (tokenizer.json); this has none"
    elif len(tokenizer) <= len(tokenizer.all_special_tokens):
        # transformers makes a tokenizer of the model's type from nothing.
        reason = "no usable tokenizer: it has no vocabulary"
    elif tokenizer.mask_token_id is None:
        reason = "the tokenizer has no mask token, so the model is no masked language model"
    if reason:
        raise BaseModelError(f"{folder}: {reason}.")
    if (folder / VOCABULARY_FILE).is_file():
        _check_fingerprint(tokenizer, folder / VOCABULARY_FILE)
    return tokenizer


def _check_fingerprint(tokenizer: Any, path: Path) -> None:
    try:
        expected = json.loads(path.read_text(encoding="utf-8"))["fingerprint"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        raise BaseModelError(f"{path}: damaged; it has to hold a fingerprint.") from None
    if fingerprint(tokenizer) != expected:
        raise BaseModelError(
            f"{path.parent}: the tokenizer gives other ids than when its vocabulary was extended; "
            "one of its files or transformers changed. Restore the folder; if the change is meant, "
            f"delete {path.name}."
        )


def special_tokens(tokenizer: Any) -> SpecialTokens:
    """Read from the tokenizer how it frames one sequence."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    framed, pair = tokenizer("a")["input_ids"], tokenizer("a", "a")["input_ids"]
    start = next(i for i in range(len(framed)) if framed[i : i + len(bare)] == bare)
    end = start + len(bare)
    prefix, suffix = framed[:start], framed[end:]
    between = pair[end : len(pair) - len(bare) - len(suffix)]
    whole = pair == [*prefix, *bare, *between, *bare, *suffix]
    mask, pad = tokenizer.mask_token_id, tokenizer.pad_token_id
    return SpecialTokens(
        tuple(prefix),
        tuple(suffix),
        mask,
        mask if pad is None else pad,
        tuple(sorted(tokenizer.all_special_ids)),
        tuple(between) if whole else None,
    )


def encode_texts(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """Tokenise texts on all cores, without special tokens.

    A literal `[SEP]` in a document is text, not a control token.
    """
    return [_ordinary(tokenizer, row.ids) for row in _encode(tokenizer, texts, places=False)]


def encode_with_offsets(
    tokenizer: Any, texts: list[str]
) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Return token ids like `encode_texts`, with the character range of each token."""
    return [(_ordinary(tokenizer, row.ids), row.offsets) for row in _encode(tokenizer, texts)]


def encode_with_units(
    tokenizer: Any, texts: list[str], flags: Callable[..., NDArray[np.uint8]]
) -> list[tuple[list[int], NDArray[np.uint8]]]:
    """Return token ids like `encode_texts`, with the flags of `TokenUnits.flags` for each token."""
    return [
        (_ordinary(tokenizer, row.ids), flags(text, row.offsets, row.word_ids))
        for text, row in zip(texts, _encode(tokenizer, texts), strict=True)
    ]


def _ordinary(tokenizer: Any, ids: list[int]) -> list[int]:
    # Unigram vocabularies hold `<s>` as a piece like any other and give its id for a literal one.
    reserved = set(tokenizer.all_special_ids)
    if reserved.isdisjoint(ids):
        return ids
    return [tokenizer.unk_token_id if number in reserved else number for number in ids]


def _encode(tokenizer: Any, texts: list[str], places: bool = True) -> Iterator[_Encoded]:
    """Yield the encoding of each text; a long one is cut before a blank and joined again.

    A tokenizer takes about 230 bytes per character while it works. `places` asks for more than ids.
    """
    for group in _groups(texts):
        pieces = [piece for text in group for piece in _pieces(text)]
        encodings = iter(_encode_pieces(tokenizer, pieces))
        for text in group:
            parts = [
                (start, next(encodings))
                for start in accumulate(map(len, _pieces(text)[:-1]), initial=0)
            ]
            yield parts[0][1] if len(parts) == 1 else _joined(parts, places)


def _groups(texts: list[str]) -> Iterator[list[str]]:
    """Yield consecutive texts of about `PIECE` characters together."""
    group: list[str] = []
    size = 0
    for text in texts:
        if group and size + len(text) > PIECE:
            yield group
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        yield group


def _pieces(text: str) -> list[str]:
    pieces, start = [], 0
    while len(text) - start > PIECE:
        cut = max(text.rfind(blank, start + 1, start + PIECE) for blank in " \n")
        cut = cut if cut > start else start + PIECE
        pieces.append(text[start:cut])
        start = cut
    return [*pieces, text[start:]]


def _joined(parts: list[tuple[int, Any]], places: bool) -> _Encoded:
    """Return one encoding of the pieces of a text, each with the place where it starts."""
    ids, offsets, splits, first = [], [], [], 0
    for start, part in parts:
        ids += part.ids
        if not places:
            continue
        offsets += [(start + a, start + b) for a, b in part.offsets]
        numbers = part.word_ids
        splits += [None if n is None else first + n for n in numbers]
        first += max((n for n in numbers if n is not None), default=-1) + 1
    return _Encoded(ids, offsets, splits)


class _Encoded(NamedTuple):
    """Of one text; the same names as of an `Encoding` of tokenizers."""

    ids: list[int]
    offsets: list[tuple[int, int]]
    word_ids: list[Any]


def _encode_pieces(tokenizer: Any, texts: list[str]) -> list[Any]:
    backend = tokenizer.backend_tokenizer
    with unchanged(backend):
        backend.no_truncation()
        backend.no_padding()
        backend.encode_special_tokens = True
        return list(backend.encode_batch(texts, add_special_tokens=False))


@contextmanager
def unchanged(backend: Any) -> Iterator[None]:
    """Give a tokenizer its settings back at the end of the block; others would be saved with it."""
    truncation, padding = backend.truncation, backend.padding
    special = backend.encode_special_tokens
    try:
        yield
    finally:
        backend.encode_special_tokens = special
        backend.no_truncation() if truncation is None else backend.enable_truncation(**truncation)
        backend.no_padding() if padding is None else backend.enable_padding(**padding)


def fingerprint(tokenizer: Any) -> str:
    """Return a hash of what the tokenizer does: ids of probe texts, vocabulary, special tokens.

    transformers 5 can rebuild a saved tokenizer with another normaliser and say nothing, so a
    loaded tokenizer is compared by behaviour and not by its files.
    """
    # Entries that end with a mark are found only while the normaliser sets it.
    vocabulary = sorted(tokenizer.get_vocab().items())
    probes = [*_PROBE, *(entry for entry, _ in vocabulary if _MARKED.search(entry))]
    behaviour = [[row.ids, row.offsets] for row in _encode(tokenizer, probes)]
    content = [behaviour, vocabulary, sorted(tokenizer.all_special_ids)]
    return sha256_of(json.dumps(content))
