"""The stage `sentences`: a sentence encoder behind the blend, and the probe that measures it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from helpers.runs import digests
from sentence_transformers import SentenceTransformer

from domainbert.run.folder import RunFolder
from domainbert.stages.retrieval import _summary, make_pairs, of_bm25

Adapt = Callable[..., Any]
pytestmark = pytest.mark.timeout(600)
SECTION = {"steps": 4, "batch_size": 8, "max_seq_length": 16, "learning_rate": 1e-3}


def articles(count: int) -> str:
    """Return documents with a title and a text, a line each, as JSON."""
    from domainbert.testing import sample_texts

    texts = list(sample_texts(4 * count))
    rows = []
    for n in range(count):
        words = texts[4 * n].split()[:6]
        title, body = f"Report {n} on {' '.join(words)}", " ".join(texts[4 * n : 4 * n + 4])
        rows.append(json.dumps({"id": str(n), "text": f"{title}\n{body}"}) + "\n")
    return "".join(rows)


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any], adapt: Adapt) -> Any:
    made = make_town()
    sections = {
        "sentences": SECTION, "tasks": [], "corpus": [{"path": "articles.jsonl"}],
        "held_out": {"fraction": 0.3},
    }  # fmt: skip
    made.write(sections=sections, steps=4)
    (made.folder / "articles.jsonl").write_text(articles(60), encoding="utf-8")
    adapt(made, "town.yaml", "--out", "run")
    return made


def test_the_encoder_opens_in_sentence_transformers_and_is_another(town: Any) -> None:
    run = RunFolder(town.folder / "run")
    encoder = SentenceTransformer(str(run.sentences / "model"), device="cpu")
    before = SentenceTransformer(str(run.model), device="cpu")
    texts = ["the captain of the harbour", "a baker"]
    one, two = (model.encode(texts, show_progress_bar=False) for model in (encoder, before))
    assert one.shape == two.shape == (2, 32)
    assert float(np.abs(one - two).max()) > 1e-4


def test_the_probe_is_in_stage_and_card(town: Any) -> None:
    run = RunFolder(town.folder / "run")
    stage = json.loads((run.sentences / "stage.json").read_text())
    found = {one["name"]: one for one in stage["result"]["retrieval"]}
    assert list(found) == ["bm25", "model", "sentences"]  # the base is no sentence encoder
    assert all(one["queries"] == 18 for one in found.values())
    for one in found.values():
        for mean, low, high in (one["ndcg"], one["mrr"]):
            assert 0 <= low <= mean <= high <= 1
    # Titles repeat words of their texts, which BM25 finds.
    assert found["bm25"]["mrr"][0] > 0.9
    card = run.card.read_text()
    assert "## Vectors" in card and "| bm25 |" in card


def test_the_same_recipe_gives_the_same_encoder_and_a_done_stage_stays(
    town: Any, adapt: Adapt
) -> None:
    adapt(town, "town.yaml", "--out", "again")
    one, two = (
        digests(town.folder / name / "sentences" / "model", "*.safetensors")
        for name in ("run", "again")
    )
    assert one == two and one
    assert "sentences" not in adapt(town, "again").err


def test_vectors_of_a_run_are_those_of_its_sentence_encoder(
    town: Any, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(town.folder)
    assert cli("embed", "run", "articles.jsonl", "-o", "v.npy").code == 0
    encoder = SentenceTransformer(str(town.folder / "run/sentences/model"), device="cpu")
    lines = (town.folder / "articles.jsonl").read_text().splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    expected = encoder.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(np.load("v.npy"), expected, rtol=0, atol=1e-5)


def test_too_few_pairs_are_said(town: Any, adapt: Adapt) -> None:
    more = ("--set", "held_out.fraction=0.02")
    refused = adapt(town, "town.yaml", "--out", "few", *more, code=2)
    assert "the held-out documents give 1 pairs of title and text; 10 are needed" in refused.err


def test_what_cannot_be_done_is_said_before_work_begins(town: Any, adapt: Adapt) -> None:
    more = ("--set", "sentences.max_seq_length=4096")
    refused = adapt(town, "town.yaml", "--out", "long", *more, code=2)
    assert "sentences.max_seq_length: 4096, but the base reads at most" in refused.err
    assert not (town.folder / "long").exists()


def test_a_recipe_without_the_section_takes_the_encoder_away(town: Any, adapt: Adapt) -> None:
    shutil.copytree(town.folder / "run", town.folder / "without")
    adapt(town, "town.yaml", "--out", "without", "--set", "sentences=null")
    assert not (town.folder / "without" / "sentences").exists()


def test_titles_of_stop_words_alone_find_nothing() -> None:
    found = of_bm25([("*** *** ***", "a red boat came"), ("the of and the", "the old mill")])
    assert found.mrr[0] == pytest.approx(0.5)  # all texts tie


def test_ranks_ties_and_metrics() -> None:
    scores = np.array([[3.0, 1.0, 0.0], [2.0, 2.0, 0.0], [9.0, 8.0, 7.0]])
    found = _summary("x", scores)  # ranks 1, 2 (a tie counts against it), 3
    assert found.queries == 3
    assert found.mrr[0] == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)
    assert found.ndcg[0] == pytest.approx((1 + 1 / np.log2(3) + 1 / 2) / 3)
    many = _summary("x", np.tril(np.ones((20, 20)), -1) + np.eye(20) / 2)  # rank q + 1
    assert many.ndcg[0] == pytest.approx(sum(1 / np.log2(1 + r) for r in range(1, 11)) / 20)


def test_pairs_have_title_and_text() -> None:
    body = "the captain moved the old boat into the harbour " * 4
    texts = [
        f"A title of some length\n{body}",
        f"A title of some length\n{body} again",  # the title is there
        f"Short\n{body}",
        "A title of some length without a text",
        f"A sentence that stands first. {body}",
    ]
    pairs = make_pairs(texts, 10)
    assert [title for title, _ in pairs] == [
        "A title of some length", "A sentence that stands first."
    ]  # fmt: skip
    assert all(text.strip() == body.strip() for _, text in pairs)
    assert len(make_pairs(texts, 1)) == 1
    found = of_bm25([("red boat harbour", "a red boat came"), ("old mill baker", "the old mill")])
    assert found.mrr[0] == 1.0


@pytest.mark.slow
def test_a_base_that_is_a_sentence_encoder_is_told_of(
    make_town: Callable[[], Any], adapt: Adapt
) -> None:
    made = make_town()
    made.write(sections={"tasks": []}, steps=2)
    base = made.folder / "base"
    SentenceTransformer(str(base), device="cpu").save_pretrained(str(made.folder / "encoder"))
    more = ("--set", "base=encoder", "--set", "train.head_steps=2")
    assert "notice: the base is a sentence encoder" in adapt(made, "town.yaml", *more).err
    assert "sentence encoder" not in adapt(made, "town.yaml", "--out", "plain").err
