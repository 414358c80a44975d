"""Tiny checkpoints and made-up texts.

A checkpoint made here has random weights and knows nothing; it loads, trains and predicts in the
time of a test. Nothing is downloaded, and the same arguments give the same files.
"""

from __future__ import annotations

import string
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from domainbert.keyed_random import derive_key, random_words

FAMILIES = (
    "albert", "bert", "camembert", "deberta-v2", "distilbert", "electra", "modernbert", "mpnet",
    "roberta", "xlm-roberta",
)  # fmt: skip
"""Model types that `tiny_checkpoint` can make."""

MAX_LENGTH = 128
"""Longest sequence of a tiny checkpoint, special tokens included."""

_BRACKETS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_ANGLES = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")
# Ids of special tokens stand where the published vocabularies have them; the first five ids at
# least, since a model's configuration names some by default.
_SPECIALS: dict[str, tuple[str, ...]] = {
    "albert": ("<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"),
    "camembert": (
        "<s>NOTUSED", "<pad>", "</s>NOTUSED", "<unk>", "<unk>NOTUSED", "<s>", "</s>", "<mask>",
    ),
    "mpnet": ("<s>", "<pad>", "</s>", "[UNK]", "<mask>"),
    "roberta": _ANGLES,
    "xlm-roberta": _ANGLES,
}  # fmt: skip

_PEOPLE = "baker clerk farmer keeper miller painter pilot printer sailor teacher weaver widow"
_THINGS = "basket boat bridge candle clock ladder lantern letter map mill rope stove violin window"
_PLACES = "barn chapel garden harbour island kitchen market meadow orchard river station valley"
_KINDS = "broken copper cracked empty green heavy little narrow old painted quiet red silver wooden"
_DEEDS = "borrowed carried counted cleaned drew found hid mended moved opened sold wrapped"
_TIMES = "before after during until"
_MOMENTS = "breakfast dawn dinner harvest lunch midnight noon sunset supper winter"
_SMALL = "On The There Nobody a an and at but by day he in it of or she stood that the them they to"


def sample_texts(count: int) -> list[str]:
    """Return short made-up English documents, no two alike, of one to nine sentences.

    Args:
        count: How many; the first of them do not depend on it.
    """
    return [_document(number) for number in range(count)]


def tiny_checkpoint(
    folder: Path, family: str = "bert", with_head: bool = True, words: Iterable[str] = ()
) -> Path:
    """Write a tiny model with random weights and its fast tokenizer, as `save_pretrained` does.

    Args:
        folder: Created if it is not there.
        family: One of `FAMILIES`.
        with_head: False saves the encoder alone, as sentence encoders are published.
        words: Become single tokens, beside those of `sample_texts`.

    Returns:
        The folder.

    Raises:
        ValueError: An unknown family.
    """
    if family not in FAMILIES:
        raise ValueError(f"unknown family {family!r}; known: {', '.join(FAMILIES)}")
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForMaskedLM

    from domainbert.model.opening import quiet_transformers

    tokenizer = tiny_tokenizer(family, words)
    config = AutoConfig.for_model(family, **_settings(family, tokenizer))
    auto: Any = AutoModelForMaskedLM if with_head else AutoModel
    # The caller's random state is left alone.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = auto.from_config(config)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet_transformers():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return folder


def _document(number: int) -> str:
    key = derive_key("sample text", number)
    more = int(random_words(key, 0)) % 9
    first = f"On day {number + 1} the {_PEOPLE.split()[number % 12]} moved on."
    return " ".join([first, *(_sentence(key, place + 1) for place in range(more))])


def _sentence(key: int, place: int) -> str:
    draws = random_words(key, place, range(12)).tolist()

    def pick(words: str) -> str:
        choices = words.split()
        return choices[draws.pop() % len(choices)]

    def thing() -> str:
        return f"the {pick(_KINDS)} {pick(_THINGS)}"

    forms = (
        lambda: f"The {pick(_PEOPLE)} {pick(_DEEDS)} {thing()} in the {pick(_PLACES)}.",
        lambda: f"{pick(_TIMES).title()} {pick(_MOMENTS)}, a {pick(_PEOPLE)} {pick(_DEEDS)} it.",
        lambda: (
            f"Nobody {pick(_DEEDS)} {thing()}, but the {pick(_PEOPLE)} {pick(_DEEDS)} "
            f"{2 + draws.pop() % 98} of them at {pick(_MOMENTS)}."
        ),
        lambda: f"There, by the {pick(_PLACES)}, stood {thing()}.",
    )
    return forms[draws.pop() % len(forms)]()


def _known_words(words: Iterable[str]) -> list[str]:
    lists = (_PEOPLE, _THINGS, _PLACES, _KINDS, _DEEDS, _TIMES, _MOMENTS, _SMALL)
    return list(dict.fromkeys([*" ".join(lists).split(), *words]))


def tiny_tokenizer(family: str, words: Iterable[str] = ()) -> Any:
    """Return the fast tokenizer of `tiny_checkpoint`; without the model, torch is not needed."""
    specials, words = _SPECIALS.get(family, _BRACKETS), _known_words(words)
    if family == "modernbert":
        return _byte_tokenizer(specials, words)
    import transformers

    if family == "roberta":
        vocabulary, merges = _byte_pairs(specials, words)
        return transformers.RobertaTokenizer(vocab=vocabulary, merges=merges)
    unigram = {
        "albert": partial(transformers.AlbertTokenizer, do_lower_case=False),
        "camembert": transformers.CamembertTokenizer,
        "deberta-v2": transformers.DebertaV2Tokenizer,
        "xlm-roberta": transformers.XLMRobertaTokenizer,
    }
    if family in unigram:
        return unigram[family](vocab=_pieces(specials, words))
    made = transformers.MPNetTokenizer if family == "mpnet" else transformers.BertTokenizer
    return made(vocab=_word_pieces(specials, words), do_lower_case=False)


def _printable() -> list[str]:
    return [character for character in string.printable if not character.isspace()]


def _word_pieces(specials: tuple[str, ...], words: list[str]) -> dict[str, int]:
    letters = _printable()
    entries = [*specials, *letters, *(f"##{letter}" for letter in letters), *words]
    return {entry: number for number, entry in enumerate(dict.fromkeys(entries))}


def _pieces(specials: tuple[str, ...], words: list[str]) -> list[tuple[str, float]]:
    # A word is likelier than its letters together, so it stays whole.
    entries = {**dict.fromkeys(specials, 0.0), "▁": -3.0}
    entries.update(dict.fromkeys(_printable(), -10.0))
    entries.update((f"▁{word}", -5.0) for word in words)
    return list(entries.items())


def _byte_pairs(
    specials: tuple[str, ...], words: list[str]
) -> tuple[dict[str, int], list[tuple[str, str]]]:
    from tokenizers import pre_tokenizers

    entries = [*specials, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=True)
    merges: dict[tuple[str, str], None] = {}
    for word in words:
        for piece, _ in splitter.pre_tokenize_str(word):
            # Joined from the left, one letter at a time.
            for end in range(1, len(piece)):
                merges[piece[:end], piece[end]] = None
                entries.append(piece[: end + 1])
    return {e: number for number, e in enumerate(dict.fromkeys(entries))}, list(merges)


def _byte_tokenizer(specials: tuple[str, ...], words: list[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary, merges = _byte_pairs(specials, words)
    built = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    built.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")],
    )  # fmt: skip
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    special = dict(zip(names, specials, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=built, **special)


def _settings(family: str, tokenizer: Any) -> dict[str, Any]:
    pad = int(tokenizer.pad_token_id)
    settings: dict[str, Any] = {"vocab_size": len(tokenizer), "pad_token_id": pad}
    settings |= {"bos_token_id": tokenizer.cls_token_id, "eos_token_id": tokenizer.sep_token_id}
    settings["max_position_embeddings"] = MAX_LENGTH
    if family == "distilbert":
        return {**settings, "dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 4}
    settings |= {"hidden_size": 32, "intermediate_size": 64}
    settings |= {"num_hidden_layers": 2, "num_attention_heads": 4}
    if family in {"camembert", "mpnet", "roberta", "xlm-roberta"}:
        settings["max_position_embeddings"] = MAX_LENGTH + pad + 1  # positions begin after the pad
    elif family in {"albert", "electra"}:
        settings["embedding_size"] = 16
    elif family == "deberta-v2":
        settings |= {"relative_attention": True, "position_buckets": 16, "type_vocab_size": 0}
        settings |= {"pos_att_type": ["p2c", "c2p"], "position_biased_input": False}
    elif family == "modernbert":
        settings |= {name: getattr(tokenizer, name) for name in ("cls_token_id", "sep_token_id")}
        settings |= {"local_attention": 16, "global_attn_every_n_layers": 2}
    return settings
