"""`domainbert corpus build|stats|check` on made-up text."""

from __future__ import annotations

import hashlib
import json
import signal
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from domainbert.pipeline.choose import load_registry
from domainbert.run.signals import watch_signals
from domainbert.testing import sample_texts, tiny_checkpoint

Cli = Callable[..., Any]
HELD = "the valve of hall four was replaced on a rainy monday"
RECIPE: dict[str, Any] = {
    "name": "notes",
    "base": "base",
    "corpus": [{"path": "notes.txt", "text_unit": "line"}, {"path": "more.jsonl"}],
    "corpus_steps": ["normalise", "exact-duplicates", {"name": "near-duplicates"}, "decontaminate"],
    "train": {"steps": 2, "max_seq_length": 32},
    "tasks": [
        {"name": "kinds", "kind": "classification", "train": "train.csv", "validation": "test.csv",
         "test": "test.csv"},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_checkpoint(Path("base"))
    long = " ".join(f"word{n}" for n in range(60))
    lines = [*sample_texts(8), long, long.replace("word3 ", "word99 "), "", sample_texts(1)[0]]
    Path("notes.txt").write_text("\n".join(lines) + "\n")
    Path("more.jsonl").write_text(json.dumps({"text": f"We saw it: {HELD.upper()}!"}) + "\n")
    Path("train.csv").write_text("text,label\nOne pump,a\nTwo seals,b\n")
    Path("test.csv").write_text(f"text,label\n{HELD},a\nIt leaks,b\n")
    Path("notes.yaml").write_text(yaml.safe_dump(RECIPE))


STEPS = {
    "normalise": {"empty": 1},
    "exact-duplicates": {"repeated": 1},
    "near-duplicates": {"near_duplicate": 1},
    "decontaminate": {"texts too short to look for": 1, "contaminated": 1},
}


def test_build_and_stats_add_up_and_draw(cli: Cli, fresh_accelerator: None) -> None:
    built = json.loads(cli("corpus", "build", "notes.yaml", "--out", "run", "--json").out)
    assert (built["read"], built["kept"], built["dropped"]) == (13, 9, 4)
    assert built["steps"] == STEPS
    assert [(item["corpus"], item["documents"]) for item in built["sources"]] == [
        ("notes.txt", 9), ("more.jsonl", 0),
    ]  # fmt: skip
    assert sum(item["tokens"] for item in built["sources"]) == built["tokens"]
    assert sum(built["lengths"].values()) == 9
    for place in ("run", "run/corpus/store"):
        told = cli("corpus", "stats", place, "--plot", "corpus.svg").out
        assert "13 read = 9 kept + 4 dropped" in told
    drawn = [node.text for node in ET.parse("corpus.svg").iter() if node.text]
    assert {"decontaminate: contaminated", "more.jsonl", "documents by length"} <= {*drawn}
    lines = [json.loads(line) for line in Path("run/corpus/dropped.jsonl").read_text().splitlines()]
    assert [(item["step"], item["source"], item["note"]) for item in lines] == [
        ("normalise", "notes.txt:11", ""), ("exact-duplicates", "notes.txt:12", ""),
        ("near-duplicates", "notes.txt:10", "of notes.txt:9"),
        ("decontaminate", "more.jsonl:1", ""),
    ]  # fmt: skip


def test_check_says_the_same_and_writes_nothing(cli: Cli) -> None:
    before = {*Path().iterdir()}
    found = json.loads(cli("corpus", "check", "notes.yaml", "--json").out)
    assert {name: step["reasons"] for name, step in found["steps"].items()} == STEPS
    assert found["read"] == found["kept"] + sum(s["dropped"] for s in found["steps"].values())
    told = cli("corpus", "check", "notes.yaml")
    assert "notes.txt:10" in told.out and "Next: domainbert corpus build notes.yaml" in told.out
    assert {*Path().iterdir()} == before


def test_what_cannot_be_is_refused(cli: Cli) -> None:
    refused = cli("corpus", "check", "notes.yaml", "--set", "corpus_steps.2.threshold=1.5")
    assert refused.code == 2
    assert "corpus_steps.2.threshold: input should be less than 1, found 1.5." in refused.err
    refused = cli("corpus", "stats", "base", "--plot", "corpus.png")
    assert (refused.code, "draws SVG; name the file corpus.svg" in refused.err) == (2, True)
    refused = cli("corpus", "stats", "base")
    assert refused.code == 2
    assert "base: holds no corpus. Make one with `domainbert corpus build`." in refused.err


def test_fetch_takes_files_from_a_mirror(cli: Cli, file_server: Any) -> None:
    page = '<a href="pubmed26n0001.xml.gz"></a><a href="pubmed26n0002.xml.gz"></a>'
    file_server.files["/base/"] = page.encode()
    for number in (1, 2):
        content = f"file {number}".encode()
        file_server.files[f"/base/pubmed26n000{number}.xml.gz"] = content
        told = hashlib.md5(content).hexdigest().encode()
        file_server.files[f"/base/pubmed26n000{number}.xml.gz.md5"] = told
    words = ("corpus", "fetch", "bio/pubmed", "--mirror", f"{file_server.address}/base")
    found = cli(*words, "--limit", "2", "--out", "got")
    assert found.out.splitlines()[:2] == [f"got/pubmed26n000{n}.xml.gz" for n in (1, 2)]
    assert "domain: bio, corpus: [{name: pubmed, path: got/*}]" in found.out
    assert Path("got/pubmed26n0002.xml.gz").read_bytes() == b"file 2"


@pytest.mark.parametrize(
    "words",
    [("corpus", "fetch", "bio/pubmed", "--out", "got"), ("corpus", "check", "--domain", "finance")],
)
def test_a_signal_stops_what_fetches(cli: Cli, file_server: Any, words: tuple[str, ...]) -> None:
    file_server.files["/base/"] = b'<a href="pubmed26n0001.xml.gz"></a>'
    mirror = ("--mirror", f"{file_server.address}/base") if "fetch" in words else ()
    with watch_signals() as stop:
        stop.append(signal.SIGTERM)
        stopped = cli(*words, *mirror)
    assert (stopped.code, stopped.out) == (75, "")
    assert "error: Stopped by SIGTERM; " in stopped.err
    assert not Path("got").exists() or not list(Path("got").iterdir())


def test_a_key_goes_to_the_publisher_and_to_no_other_host(
    cli: Cli, file_server: Any, other_server: Any, monkeypatch: pytest.MonkeyPatch, request: Any
) -> None:
    monkeypatch.setenv("USPTO_API_KEY", "secret-key")
    # As the portal does: what it lists redirects to a store on another host.
    names = ["ipg240102.zip", "ipg240109.zip"]
    places = [f"{file_server.address}/there/{names[0]}", f"{other_server.address}/b/{names[1]}"]
    bag = [
        {"fileName": name, "fileDataFromDate": "2024-01-02", "fileDownloadURI": place}
        for name, place in zip(names, places, strict=True)
    ]
    page = {"bulkDataProductBag": [{"productFileBag": {"fileDataBag": bag}}]}
    file_server.files["/p/PTGRXML"] = json.dumps(page).encode()
    target = f"{other_server.address}/store/{names[0]}"
    file_server.special = lambda request: (
        (302, {"Location": target}, b"") if request.path.startswith("/there/") else None
    )
    other_server.files |= {f"/store/{names[0]}": b"one", f"/b/{names[1]}": b"two"}
    feed = load_registry(()).domain("patent").corpora[-1].feed
    address = feed.url
    object.__setattr__(feed, "url", f"{file_server.address}/p")
    request.addfinalizer(lambda: object.__setattr__(feed, "url", address))
    words = ("corpus", "fetch", "patent/patent-claims")
    year = ("--option", "product=grants", "--option", "year=2024", "--limit", "2", "--out", "got")
    found = cli(*words, *year)
    assert found.code == 0, found.err
    assert [Path("got", name).read_bytes() for name in names] == [b"one", b"two"]
    assert [r.headers.get("X-API-KEY") for r in file_server.requests] == ["secret-key"] * 2
    assert [r.headers.get("X-API-KEY") for r in other_server.requests] == [None] * 2
    file_server.files.clear()
    refused = cli(*words, *year)
    assert refused.code == 2
    assert "secret-key" not in refused.out + refused.err
    file_server.files["/p/PTGRXML"] = json.dumps(page).encode()
    monkeypatch.delenv("USPTO_API_KEY")
    mirrored = cli(*words, *year[:-1], "again", "--mirror", f"{file_server.address}/p")
    assert mirrored.code == 0, mirrored.err  # a mirror neither wants a key nor gets one
    assert [r.headers.get("X-API-KEY") for r in file_server.requests[-2:]] == [None] * 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["bio/none"], "bio/none: no corpus that can be fetched; bio has pubmed."),
        (["finance/edgar-10k"], "the publisher asks for your name and mail address: give"),
        (["finance/edgar-10k", "--user-agent", "a@b.org"], "--option form=…: the form, such as"),
        (["patent/patents"], "the publisher wants a key of yours: set USPTO_API_KEY."),
        (["nowhere/x"], "Unknown domain 'nowhere'"),
    ],
)
def test_what_cannot_be_fetched_is_said(cli: Cli, words: list[str], message: str) -> None:
    refused = cli("corpus", "fetch", *words)
    assert (refused.code, message in " ".join(refused.err.split())) == (2, True), refused.err
