"""`domainbert publish`: a folder or a repository that others load, with a card that says all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.hub import TOKEN, ModelHub
from helpers.runs import digests
from safetensors.torch import load_file

from domainbert.errors import UserError
from domainbert.report.licences import check_licences
from domainbert.run.folder import RunFolder
from domainbert.storage.files import read_json, write_json

Adapt = Callable[..., Any]
Publish = Callable[..., Any]
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def town(make_town: Callable[[], Any], adapt: Adapt) -> Any:
    made = make_town()
    made.write(
        sections={"blend": {"points": [0.5], "choose": 0.5}, "language": ["en"]},
        method="lora", steps=6,
    )  # fmt: skip
    adapt(made, "town.yaml", "--out", "run")
    return made


@pytest.fixture
def publish(
    town: Any, tmp_path: Path, cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> Publish:
    """Call the command; return exit code and what it said."""

    def call(*words: object, hub: ModelHub | None = None, token: str = TOKEN) -> Any:
        monkeypatch.chdir(town.folder)
        if hub is None:
            outcome = cli("publish", *words)
            return outcome.code, outcome.out, outcome.err
        # The library of the hub reads the address when it is imported.
        variables = {
            **town.variables, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1",
            "HF_ENDPOINT": hub.address, "HF_HUB_OFFLINE": "0", "HF_TOKEN": token,
        }  # fmt: skip
        process = replace(town, variables=variables).start("domainbert", "publish", *words)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    return call


def header(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


def test_a_folder_has_the_model_and_a_card_with_results(town: Any, publish: Publish) -> None:
    code, _, err = publish("run", "--to", "./mine", "--licence", "apache-2.0")
    assert code == 0, err
    folder, run = town.folder / "mine", RunFolder(town.folder / "run")
    assert digests(run.model).items() <= digests(folder).items()
    # It belongs to the end of training, and a point before it is handed over.
    assert not (folder / "adapter").exists()
    card = (folder / "README.md").read_text()
    about = header(card)
    assert {key: about[key] for key in ("license", "language", "pipeline_tag", "library_name")} == {
        "license": "apache-2.0", "language": ["en"], "pipeline_tag": "fill-mask",
        "library_name": "transformers",
    }  # fmt: skip
    (entry,) = about["model-index"]
    (result,) = entry["results"]
    stored = [read_json(path) for path in sorted(run.results.glob("town-names/blend-seed-*.json"))]
    mean = 100 * sum(item["test"]["f1_strict"] for item in stored) / len(stored)
    (metric,) = result["metrics"]
    assert metric["value"] == pytest.approx(mean, abs=0.01)
    assert re.fullmatch(
        r"f1_strict, mean of 2 seeds; 95 % interval [\d.-]+ to [\d.-]+", metric["name"]
    )
    for section in ("## Held-out text", "## Tasks", "## Corpus and contamination", "## Licences"):
        assert section in card
    assert 'from_pretrained("mine")' in card
    assert {"loss.svg", "scores.svg", "blend.svg", "recipe.yaml"} <= {
        path.name for path in folder.iterdir()
    }
    for path in folder.rglob("*"):
        if path.suffix in {".md", ".json", ".yaml", ".svg"}:
            assert str(town.folder) not in path.read_text()
    assert publish("run", "--to", "./mine")[0] == 2


def test_the_adapter_goes_with_the_end_of_training_and_no_place_of_this_machine(
    town: Any, publish: Publish, adapt: Adapt
) -> None:
    more = ("--set", "blend=null", "--set", f"base={town.folder / 'base'}")
    adapt(town, "town.yaml", "--out", "plain", *more)
    code, _, err = publish("plain", "--to", "./plain-out")
    assert code == 0, err
    assert "recipe.yaml is left out" in err
    folder = town.folder / "plain-out"
    assert digests(town.folder / "plain" / "adapter") == digests(folder / "adapter")
    assert str(town.folder) not in (folder / "README.md").read_text()
    assert "| base | base |" in (folder / "README.md").read_text()


@pytest.mark.slow
def test_a_hub_that_does_not_answer(town: Any, publish: Publish) -> None:
    code, _, err = publish("run", "--to", "me/x", hub=ModelHub("http://127.0.0.1:9"))
    assert (code, "the hub does not answer" in err, "Traceback" in err) == (1, True, False), err
    code, _, err = publish("run", "--to", "me/x--y")
    assert (code, "--to me/x--y: " in err) == (2, True), err


@pytest.mark.slow
def test_what_is_published_loads_by_its_id(
    town: Any, publish: Publish, model_hub: ModelHub
) -> None:  # fmt: skip
    code, out, err = publish("run", "--to", "me/town", hub=model_hub)
    assert code == 0, err
    assert out.startswith(f"{model_hub.address}/me/town/commit")
    assert TOKEN not in out + err
    assert model_hub.private == {"me/town": True}
    script = (
        "from transformers import AutoModelForMaskedLM as M, AutoTokenizer as T\n"
        "m = M.from_pretrained('me/town'); T.from_pretrained('me/town')\n"
        "m.save_pretrained('loaded')\n"
    )
    (town.folder / "load.py").write_text(script)
    variables = {**town.variables, "HF_ENDPOINT": model_hub.address, "HF_HUB_OFFLINE": "0",
                 "HF_HOME": str(town.folder / "hf"), "HF_HUB_DISABLE_XET": "1"}  # fmt: skip
    process = replace(town, variables=variables).start("load")
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    found, ours = (
        load_file(folder / "model.safetensors")
        for folder in (town.folder / "loaded", town.folder / "run" / "model")
    )
    assert found.keys() == ours.keys()
    assert all(bool((found[name] == ours[name]).all()) for name in ours)
    # Again: the name is taken, unless a new commit is asked for.
    code, _, err = publish("run", "--to", "me/town", hub=model_hub)
    assert (code, "me/town: is taken; it has" in err) == (2, True), err
    assert publish("run", "--to", "me/town", "--update", hub=model_hub)[0] == 0
    model_hub.private["me/town"] = False
    code, _, err = publish("run", "--to", "me/town", "--update", hub=model_hub)
    assert (code, "me/town: is there and public: give --public" in err) == (2, True), err


def test_a_fine_tuned_model(town: Any, publish: Publish) -> None:
    from transformers import AutoModelForTokenClassification

    code, _, err = publish("run", "--to", "./tagger", "--task", "town-names")
    assert code == 0, err
    about = header((town.folder / "tagger" / "README.md").read_text())
    assert about["pipeline_tag"] == "token-classification"
    assert about["model-index"][0]["results"][0]["task"]["type"] == "token-classification"
    AutoModelForTokenClassification.from_pretrained(town.folder / "tagger")
    assert not (town.folder / "tagger" / "adapter").exists()
    code, _, err = publish("run", "--to", "./other", "--task", "none")
    assert (code, "no fine-tuned model of none. It has town-names" in err) == (2, True), err


@pytest.mark.slow
def test_without_a_login_or_with_a_hub_that_fails_nothing_is_there(
    town: Any, publish: Publish, model_hub: ModelHub
) -> None:  # fmt: skip
    code, _, err = publish("run", "--to", "me/new", hub=model_hub, token="hf_wrong")
    assert (code, "the hub refuses this login" in err) == (2, True), err
    assert "hf_wrong" not in err
    assert model_hub.files == {}
    model_hub.fails = True
    code, _, err = publish("run", "--to", "me/new", hub=model_hub)
    assert (code, "me/new: nothing was published" in err) == (1, True), err
    assert set(model_hub.files["me/new"]) == {".gitattributes"}
    model_hub.fails = False  # the same command tries again
    assert publish("run", "--to", "me/new", hub=model_hub)[0] == 0
    assert "model.safetensors" in model_hub.files["me/new"]


def test_what_must_not_be_published(town: Any, publish: Publish, tmp_path: Path) -> None:
    def refused(change: Callable[[Path], object], *words: str) -> str:
        run = tmp_path / "run"
        shutil.copytree(town.folder / "run", run, dirs_exist_ok=True)
        change(run)
        code, _, err = publish(run, "--to", tmp_path / "out", *words)
        assert code == 2, err
        assert not (tmp_path / "out").exists()
        shutil.rmtree(run)
        return str(err)

    def licensed(words: str) -> Callable[[Path], object]:
        def change(run: Path) -> None:
            path = run / "corpus" / "store" / "manifest.json"
            manifest = read_json(path)
            for item in manifest["sources"]:
                item["licence"] = words
            write_json(path, manifest)

        return change

    def with_secret(run: Path) -> None:
        path = run / "recipe.yaml"
        path.write_text(path.read_text() + "# https://me:secret@host/corpus\n")

    def of_another_recipe(run: Path) -> None:
        lock = read_json(run / "lock.json")
        write_json(run / "lock.json", {**lock, "recipe": {**lock["recipe"], "hash": "0" * 64}})

    assert "its card is of another recipe" in refused(of_another_recipe)
    assert "has no results" in refused(lambda run: shutil.rmtree(run / "results"))
    assert "is not finished" in refused(lambda run: (run / "README.md").unlink())
    message = refused(licensed("CC BY-NC 4.0"), "--licence", "mit")
    assert "is under 'CC BY-NC 4.0' (non-commercial use)" in message
    message = refused(with_secret)
    assert "recipe.yaml:" in message and "looks like a password or a token" in message
    assert "secret@host" not in message
    code, _, err = publish(tmp_path, "--to", "./none")
    assert (code, "is no run folder" in err) == (2, True)


@pytest.mark.parametrize(
    ("licence", "source", "reason"),
    [
        ("apache-2.0", "CC BY-NC-SA 4.0", "non-commercial use"),
        ("cc-by-4.0", "research use only", "non-commercial use"),
        ("mit", "Non-commercial", "non-commercial use"),
        ("cc-by-nc-4.0", "CC BY-ND 3.0", "no derivatives"),
        ("cc-by-nc-nd-4.0", "CC BY-NC-ND 4.0", "no derivatives"),
        ("cc-by-nc-4.0", "CC BY-NC 4.0", ""),
        ("other", "CC BY-NC-ND 4.0", ""),
        ("mit", "CC0-1.0", ""),
        ("mit", "not for commercial use", "non-commercial use"),
        ("mit", "CC_BY_NC", "non-commercial use"),
        ("mit", "academic use", "non-commercial use"),
        ("mit", "non\u2011commercial", "non-commercial use"),
        ("mit", "CC BY\u2011NC\xa04.0", "non-commercial use"),
        ("mit", "Commercial use is prohibited", "non-commercial use"),
        ("mit", "research-only", "non-commercial use"),
        ("mit", "for educational purposes", "non-commercial use"),
        ("mit", "All rights reserved", "rights are reserved"),
        ("mit", "Of the provider; most forbid to pass them on", "rights are reserved"),
        ("mit", "Licence unknown", "not stated"),
        ("mit", "n/a", "not stated"),
        ("mit", " ", "not stated"),
        ("mit", "CC BY-SA 4.0", "share alike"),
        ("cc-by-sa-4.0", "CC BY-SA 4.0", ""),
        ("mit", "GPL-3.0", "share alike"),
        ("mit", "Publishers may hold copyright in abstracts", ""),
    ],
)
def test_licences_by_their_words(licence: str, source: str, reason: str) -> None:
    if not reason:
        check_licences(licence, {"texts": source})
        return
    with pytest.raises(UserError, match=rf"texts is under .*\({reason}\)"):
        check_licences(licence, {"texts": source})
