from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domainbert.errors import BaseModelError, RunFailed, RunFolderError
from domainbert.model.load import LoadedModel
from domainbert.tokenizer.extend import (
    Extension,
    check_extension,
    free_slots,
    read_extension,
    write_extension,
)
from domainbert.tokenizer.load import encode_texts, encode_with_offsets, fingerprint, load_tokenizer
from domainbert.tokenizer.wordpiece import cut_word, split_words

Extend = Callable[..., tuple[Any, Extension]]
Load = Callable[..., LoadedModel]
WORD = st.text("abfenzyq", min_size=1, max_size=6)
COUNTS = st.dictionaries(WORD, st.integers(1, 5), min_size=1, max_size=10)
# Words that collide with the listed ones, next to every kind of sign.
TEXT = st.lists(
    st.one_of(WORD, st.text(max_size=4), st.sampled_from([" ", "-", "_", "°", "́", "中", "\ue000"])),
    max_size=12,
).map("".join)


def covered(spans: list[tuple[int, int]]) -> set[int]:
    return {place for start, end in spans for place in range(start, end)}


def expected_ids(old: Any, new: Any, extension: Extension, text: str) -> list[int]:
    """Ids by the promise: listed words as they are alone, all others as before."""
    known, ids = old.get_vocab(), list[int]()
    for word in split_words(old, text):
        if word in extension.words:
            ids += encode_texts(new, [word])[0]
        else:
            ids += [known[piece] for piece in cut_word(old, word)]
    return ids


@given(counts=COUNTS, text=TEXT)
@settings(max_examples=150)
def test_every_other_word_keeps_its_ids_and_every_boundary_is_one_from_before(
    plain: Any, extend: Extend, counts: dict[str, int], text: str
) -> None:
    new, extension = extend({**counts, "quzyq": 1}, 6)
    listed = " ".join(extension.words)
    samples = [text, f"{text}{listed}", " ".join(w + text for w in extension.words)]
    pairs = zip(encode_with_offsets(plain, samples), encode_with_offsets(new, samples), strict=True)
    for sample, ((_, old_spans), (ids, spans)) in zip(samples, pairs, strict=True):
        assert ids == expected_ids(plain, new, extension, sample)
        assert {start for start, _ in spans} <= {start for start, _ in old_spans}
        assert {end for _, end in spans} <= {end for _, end in old_spans}
        assert covered(spans) == covered(old_spans)


@given(counts=COUNTS)
def test_every_entry_is_reached_and_no_id_is_shared(
    plain: Any, extend: Extend, counts: dict[str, int]
) -> None:
    new, extension = extend({**counts, "quzyq": 1})
    rows = encode_texts(new, list(extension.words))
    assert set(extension.ids) <= {number for row in rows for number in row}
    assert all(set(extension.ids) & set(row) for row in rows)
    assert set(extension.ids).isdisjoint(plain.get_vocab().values())
    assert len(new) == len(plain) + len(extension.ids) == max(extension.ids) + 1


def test_unused_slots_are_filled_in_the_order_of_their_numbers(plain: Any, extend: Extend) -> None:
    known = plain.get_vocab()
    assert free_slots(plain) == ["[unused0]", "[unused1]", "[unused2]"]
    new, extension = extend({"quail": 3, "zebras": 2}, 2, "unused")
    assert extension.ids == (known["[unused0]"], known["[unused1]"])
    assert (len(new), free_slots(new)) == (len(plain), ["[unused2]"])
    assert encode_texts(new, ["quail zebras"]) == [list(extension.ids)]
    others = {entry: number for entry, number in known.items() if number not in extension.ids}
    assert others.items() <= new.get_vocab().items()


@pytest.mark.parametrize("family", ["bert", "distilbert", "electra", "mpnet"])
def test_the_saved_folder_loads_with_auto_tokenizer_and_gives_the_same_ids(
    load: Load, extend: Extend, make_base: Callable[..., Path], tmp_path: Path, family: str
) -> None:
    from transformers import AutoTokenizer

    old = load(family).tokenizer
    new, extension = extend({"quokka": 9, "zebras": 2}, 2, "grow", old)
    shutil.copy(make_base(family) / "config.json", tmp_path)
    new.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    text = "the quokka, quokkas <mask> [MASK] zebras"
    assert again(text).data == new(text).data
    assert fingerprint(again) == fingerprint(new)
    assert set(extension.ids) <= set(again(text)["input_ids"])
    assert again("the", "boat").data == old("the", "boat").data


def test_a_tokenizer_that_lost_the_mark_is_refused_on_load(
    extend: Extend, make_base: Callable[..., Path], tmp_path: Path
) -> None:
    new, extension = extend({"quokka": 9}, 1)
    shutil.copy(make_base("bert") / "config.json", tmp_path)
    new.save_pretrained(tmp_path)
    write_extension(tmp_path, extension, new)
    assert fingerprint(load_tokenizer(tmp_path)) == fingerprint(new)
    path = tmp_path / "tokenizer_config.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "tokenizer_class": "BertTokenizer"}))
    with pytest.raises(BaseModelError, match="gives other ids than when its vocabulary was"):
        load_tokenizer(tmp_path)
    (tmp_path / "vocabulary.json").write_text("{")
    with pytest.raises(BaseModelError, match=r"vocabulary\.json: damaged"):
        load_tokenizer(tmp_path)


def test_an_extended_tokenizer_can_be_extended_again(plain: Any, extend: Extend) -> None:
    first, one = extend({"quokka": 9}, 1)
    second, two = extend({"quokka": 9, "quokkas": 3}, 5, "grow", first)
    # A mark and a twin of `a`, then a mark and a twin of `s`.
    assert (one.mark, one.twins()) == ("\ue000", {"a": "\ue001"})
    assert (two.mark, two.twins()) == ("\ue002", {"s": "\ue003"})
    assert second.decode(encode_texts(second, ["quokka quokkas"])[0]) == "quokka quokkas"
    assert two.words == ("quokkas",)
    assert encode_texts(second, ["quokka quokkas"]) == [[len(plain), len(plain) + 1]]
    assert encode_texts(second, ["quokkass"]) == encode_texts(plain, ["quokkass"])


@pytest.mark.parametrize("strategy", ["first", "average", "max"])
def test_new_words_are_words_for_the_ner_pipeline(
    plain: Any, extend: Extend, make_base: Callable[..., Path], strategy: str
) -> None:
    import torch
    from transformers import BertForTokenClassification, pipeline
    from transformers.modeling_outputs import TokenClassifierOutput

    new, extension = extend({"quokka": 9, "quokkas": 3}, 2)
    model = BertForTokenClassification.from_pretrained(make_base("bert"), id2label={0: "O", 1: "X"})
    ids = new("the quokkas of a quokka")["input_ids"]
    # The tags are set: X for the new entries, O for all others.
    chosen = [[0.0, 9.0] if number in extension.ids else [9.0, 0.0] for number in ids]
    model.forward = lambda **_: TokenClassifierOutput(logits=torch.tensor([chosen]))
    tagger = pipeline("ner", model=model, tokenizer=new, aggregation_strategy=strategy)
    found = tagger("the quokkas of a quokka")
    assert [(entity["start"], entity["end"]) for entity in found] == [(4, 11), (17, 23)]


def test_the_record_of_an_older_release_is_refused(extend: Extend, tmp_path: Path) -> None:
    new, extension = extend({"quokka": 9}, 1)
    write_extension(tmp_path, extension, new)
    assert read_extension(tmp_path) == extension
    path = tmp_path / "vocabulary.json"
    path.write_text(path.read_text().replace('"version": 2', '"version": 1'))
    with pytest.raises(RunFolderError, match="of an older release"):
        read_extension(tmp_path)


def test_a_tokenizer_without_private_characters_left_is_refused(
    plain: Any, extend: Extend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("domainbert.tokenizer.extend.PRIVATE_USE", range(0xE000, 0xE001))
    with pytest.raises(BaseModelError, match="extended too often"):
        extend({"quokka": 9}, 1)


def test_what_breaks_the_promise_is_found(plain: Any, extend: Extend) -> None:
    new, extension = extend({"quokka": 9}, 1)
    check_extension(plain, new, extension, ["quokkas", "quokka", "the"])
    other, _ = extend({"zebras": 9}, 1)
    with pytest.raises(
        RunFailed, match=r"cuts 1 other words otherwise \(zebras\) and does not reach 1"
    ):
        check_extension(plain, other, extension, ["quokkas", "quokka", "zebras"])
