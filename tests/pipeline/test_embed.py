"""`domainbert embed`: texts in, vectors out, those of sentence-transformers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from sentence_transformers import SentenceTransformer

from domainbert.pipeline import embed as module
from domainbert.storage.files import write_json

Cli = Callable[..., Any]
TEXTS = {
    "a": "the captain moved it", "b": "", "c": "\U0001f600 \0 x \ud800", "d": "old " * 300,
}  # fmt: skip


@pytest.fixture
def base(family_folder: Any) -> Path:
    return Path(family_folder("bert"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    rows = (json.dumps({"id": name, "text": text}) + "\n" for name, text in TEXTS.items())
    path.write_text("".join(rows))
    return path


def vectors(path: Path) -> Any:
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    return np.array(pq.read_table(path)["vector"].to_pylist(), np.float32)


def test_an_encoder_without_modules_gives_the_mean_of_its_tokens(
    base: Path, table: Path, tmp_path: Path, cli: Cli
) -> None:
    from transformers import AutoModel, AutoTokenizer

    outcome = cli("embed", base, table, "-o", tmp_path / "out.parquet")
    assert outcome.code == 0, outcome.err
    assert "notice: 1 texts are longer than 128 tokens: the rest is not read." in outcome.err
    assert pq.read_table(tmp_path / "out.parquet")["id"].to_pylist() == list(TEXTS)
    model, tokenizer = AutoModel.from_pretrained(base).eval(), AutoTokenizer.from_pretrained(base)
    expected = []
    for text in TEXTS.values():
        text = text.replace("\ud800", "\ufffd")
        batch = tokenizer(text, return_tensors="pt", truncation=True, max_length=128)
        with torch.no_grad():
            expected.append(model(**batch).last_hidden_state[0].mean(dim=0).numpy())
    np.testing.assert_allclose(vectors(tmp_path / "out.parquet"), expected, rtol=0, atol=1e-5)


def test_modules_of_a_sentence_encoder_decide(
    base: Path, table: Path, tmp_path: Path, cli: Cli
) -> None:
    encoder = SentenceTransformer(str(base), device="cpu")
    encoder[1].pooling_mode = "cls"
    encoder.max_seq_length = 16
    encoder.save_pretrained(str(tmp_path / "cls"))
    assert cli("embed", tmp_path / "cls", table, "-o", tmp_path / "out.npy").code == 0
    again = SentenceTransformer(str(tmp_path / "cls"), device="cpu")
    texts = [text.replace("\ud800", "\ufffd") for text in TEXTS.values()]
    expected = again.encode(texts, show_progress_bar=False)
    found = vectors(tmp_path / "out.npy")
    assert (found.shape, found.dtype) == ((4, 32), np.float32)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


def test_several_chunks_are_one_file(
    base: Path, table: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    for ending in (".npy", ".parquet"):
        assert cli("embed", base, table, "-o", whole.with_suffix(ending)).code == 0
        with monkeypatch.context() as patch:
            patch.setattr(module, "CHUNK", 3)
            assert cli("embed", base, table, "-o", parts.with_suffix(ending)).code == 0
        one, two = (vectors(path.with_suffix(ending)) for path in (whole, parts))
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-6)
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-o", "out.csv"], "out.csv: expected a name that ends with .parquet or .npy"),
        (["-o", "there.npy"], "there.npy: is there already"),
        (["--column", "abstract", "-o", "out.npy"], "no field 'abstract'"),
    ],
)
def test_what_cannot_be_done_is_said(
    base: Path, table: Path, tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch,
    words: list[str], message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("there.npy").write_bytes(b"x")
    refused = cli("embed", base, table, *words)
    assert (refused.code, message in " ".join(refused.err.split())) == (2, True), refused.err
    assert not Path("out.npy").exists()


def test_code_and_places_outside_are_refused(
    base: Path, table: Path, tmp_path: Path, cli: Cli
) -> None:
    for name, modules in {
        "code": [{"idx": 0, "name": "0", "path": "", "type": "other.Module"}],
        "outside": [{"idx": 0, "name": "0", "path": "../..", "type": "x.Y"}],
    }.items():
        folder = tmp_path / name
        folder.mkdir()
        for path in base.iterdir():
            if path.name != "MANIFEST.json":
                (folder / path.name).write_bytes(path.read_bytes())
        write_json(folder / "modules.json", modules)
        refused = cli("embed", folder, table, "-o", tmp_path / "out.npy")
        assert (refused.code, "no sentence encoder: " in refused.err) == (2, True), refused.err
