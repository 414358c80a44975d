"""A run that trains an adapter: exact, resumable, merged in `model/`, and of use in plain peft."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import copied, metrics, numbers, weights
from safetensors.torch import load_file, save_file

from domainbert.errors import BaseModelError
from domainbert.model.load import find_base, load_masked_lm
from domainbert.run.folder import RunFolder

Adapt = Callable[..., Any]
MakeTown = Callable[[], Any]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LORA = {"method": "lora", "lora": {"r": 4, "alpha": 8, "dropout": 0.1}, "learning_rate": 1e-3}
TRAIN = {"steps": 12, "dropout": 0.1, "save_steps": 5, "save_total_limit": 9, **LORA}
IDS = torch.tensor([[2, 9, 14, 20, 7, 3]])


@torch.no_grad()
def logits(model: Any) -> torch.Tensor:
    return model.eval()(input_ids=IDS).logits


def in_transformers(folder: Path) -> Any:
    from transformers import AutoModelForMaskedLM

    return AutoModelForMaskedLM.from_pretrained(folder)


@pytest.fixture(scope="module")
def town(make_town: MakeTown, adapt: Adapt) -> Any:
    made = make_town()
    made.write(sections={"blend": {"points": [0.5], "choose": "validation"}}, **TRAIN)
    adapt(made, "town.yaml", "--out", "whole")
    return made


@pytest.fixture(scope="module")
def whole(town: Any) -> RunFolder:
    return RunFolder(town.folder / "whole")


def test_it_learns_and_only_what_learns_is_kept(town: Any, whole: RunFolder) -> None:
    losses = [entry["loss"] for entry in metrics(whole)]
    assert min(losses[-3:]) < losses[0]
    base = load_file(town.folder / "base" / "model.safetensors")
    total = sum(tensor.numel() for tensor in base.values())
    for name in ("model", "optimizer"):
        saved = load_file(whole.checkpoints / "step-00000012" / f"{name}.safetensors")
        assert saved and all(".lora_A." in key or ".lora_B." in key for key in saved)
        assert sum(tensor.numel() for tensor in saved.values()) < 0.6 * total
    after = load_file(whole.adapted / "model.safetensors")
    assert after.keys() == base.keys()
    changed = {name for name in base if not torch.equal(base[name], after[name])}
    assert changed and all(name.endswith(".weight") and ".layer." in name for name in changed)
    assert not any("LayerNorm" in name or "embedding" in name for name in changed)


def test_the_adapter_on_its_base_in_plain_peft_is_the_adapted_model(
    town: Any, whole: RunFolder
) -> None:
    from peft import PeftModel

    model = PeftModel.from_pretrained(in_transformers(town.folder / "base"), whole.adapter)
    torch.testing.assert_close(
        logits(model), logits(in_transformers(whole.adapted)), rtol=0, atol=1e-5
    )
    about = json.loads((whole.adapter / "base.json").read_text())
    assert about["sha256"] == find_base(str(town.folder / "base"), Path()).sha256
    assert not any(path.suffix == ".bin" for path in whole.adapter.iterdir())


def test_the_same_adapter_fits_classes_with_another_head(town: Any, whole: RunFolder) -> None:
    from peft import PeftModel
    from transformers import AutoModelForTokenClassification

    plain = AutoModelForTokenClassification.from_pretrained(town.folder / "base", num_labels=3)
    encoder = PeftModel.from_pretrained(plain, whole.adapter).merge_and_unload().base_model
    expected = in_transformers(whole.adapted).base_model
    with torch.no_grad():
        found = [m.eval()(input_ids=IDS).last_hidden_state for m in (encoder, expected)]
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)


def test_half_of_the_adapters_scale_is_the_point_one_half(town: Any, whole: RunFolder) -> None:
    from peft import PeftModel

    from domainbert.model.blend import blended

    base = load_masked_lm(find_base(str(town.folder / "base"), Path()), 0)
    end = load_masked_lm(find_base(str(whole.adapted), Path()), 0)
    between = blended(base, end, 0.5)
    model = PeftModel.from_pretrained(in_transformers(town.folder / "base"), whole.adapter)
    for module in model.modules():
        if hasattr(module, "scale_layer"):
            module.scale_layer(0.5)
    scaled = dict(model.merge_and_unload().named_parameters())
    for name, value in between.items():
        torch.testing.assert_close(scaled[name].data, value, rtol=0, atol=1e-6)
    curve = json.loads((whole.path / "blend" / "stage.json").read_text())["result"]["curve"]
    assert [point["alpha"] for point in curve] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("step", [5, 10])
def test_a_resumed_run_ends_with_the_same_bytes(
    town: Any, adapt: Adapt, whole: RunFolder, step: int
) -> None:
    run = copied(whole, f"again-{step}", step)
    shutil.rmtree(run.adapter)
    assert f"continuing after step {step}" in adapt(town, run.path.name).err
    assert weights(run) == weights(whole)
    assert numbers(run) == numbers(whole)
    ours, theirs = (r.adapter / "adapter_model.safetensors" for r in (run, whole))
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(town: Any, whole: RunFolder) -> None:
    words = ("adapt", "town.yaml", "--out", "two", "--processes", "2", "--set", "tasks=[]")
    process = town.start("domainbert", *words, "--set", "blend=null", "--set", "train.dropout=0",
                         "--set", "train.lora.dropout=0")  # fmt: skip
    _, err = process.communicate()
    assert process.returncode == 0, err
    words = (*words[1:3], "one", "--set", "tasks=[]", "--set", "blend=null")
    process = town.start("domainbert", "adapt", *words, "--set", "train.dropout=0",
                         "--set", "train.lora.dropout=0")  # fmt: skip
    _, err = process.communicate()
    assert process.returncode == 0, err
    two, one = (metrics(RunFolder(town.folder / name)) for name in ("two", "one"))
    for mine, theirs in zip(two, one, strict=True):
        assert mine["loss"] == pytest.approx(theirs["loss"], rel=1e-5)


def test_an_adapter_is_a_base(town: Any, whole: RunFolder, adapt: Adapt) -> None:
    found = find_base(str(whole.adapter), town.folder)
    model = load_masked_lm(found, 0)
    assert not model.new_head
    torch.testing.assert_close(
        logits(model.model), logits(in_transformers(whole.adapted)), rtol=0, atol=1e-6
    )
    assert find_base(str(whole.adapter), town.folder) == found  # merged once
    more = ("--set", "tasks=[]", "--set", "blend=null", "--set", "train.steps=2")
    adapt(town, "town.yaml", "--out", "on-top", "--set", f"base={whole.adapter}", *more)


def test_adapters_that_cannot_be_a_base_are_named(
    town: Any, whole: RunFolder, tmp_path: Path
) -> None:
    def refused(change: Callable[[Path], object]) -> str:
        folder = tmp_path / "adapter"
        shutil.copytree(whole.adapter, folder, dirs_exist_ok=True)
        (folder / "MANIFEST.json").unlink()
        change(folder)
        with pytest.raises(BaseModelError) as caught:
            find_base(str(folder), town.folder)
        shutil.rmtree(folder)
        return str(caught.value)

    def config(**values: Any) -> Callable[[Path], object]:
        def change(folder: Path) -> None:
            path = folder / "adapter_config.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), **values}))

        return change

    def pickled(folder: Path) -> None:
        (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")

    def other_base(folder: Path) -> None:
        (folder / "base.json").write_text(json.dumps({"sha256": "0" * 64}))

    def other_weights(folder: Path) -> None:
        save_file({"x.lora_A.weight": torch.zeros(1)}, folder / "adapter_model.safetensors")

    assert "only adapter_model.bin, a pickle, which can run code" in refused(pickled)
    digest = find_base(str(town.folder / "base"), Path()).sha256
    assert f"sha256 {'0' * 64}, and base has {digest}" in refused(other_base)
    assert "the adapter do not fit its base, such as" in refused(other_weights)
    assert "an adapter of the kind IA3; only LORA" in refused(config(peft_type="IA3"))
    assert "names no base_model_name_or_path" in refused(config(base_model_name_or_path=None))
    assert "its own base cannot be had" in refused(config(base_model_name_or_path="./gone"))
    assert "the adapter does not fit: " in refused(config(r=-1))
    own = refused(config(base_model_name_or_path="adapter"))
    assert "is an adapter, and the base of one" in own


def test_new_entries_of_the_vocabulary_learn_in_the_adapter(make_town: Any, adapt: Adapt) -> None:
    from peft import PeftModel
    from transformers import AutoTokenizer

    made = make_town()
    sections = {"vocabulary": {"size": 3, "terms": False}, "tasks": []}
    made.write(animals=True, sections=sections, **TRAIN)
    adapt(made, "town.yaml", "--out", "grown")
    run = RunFolder(made.folder / "grown")
    model, tokenizer = in_transformers(made.folder / "base"), AutoTokenizer.from_pretrained(
        run.adapter
    )  # fmt: skip
    rows = model.config.vocab_size
    model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    model = PeftModel.from_pretrained(model, run.adapter).merge_and_unload()
    expected = in_transformers(run.adapted)
    ids = torch.tensor([[2, *range(rows, rows + 3), 3]])
    with torch.no_grad():
        found = [m.base_model.eval()(input_ids=ids).last_hidden_state for m in (model, expected)]
    torch.testing.assert_close(*found, rtol=0, atol=1e-5)
    # As a base it has the biases of the new entries too.
    again = load_masked_lm(find_base(str(run.adapter), made.folder), 0).model
    torch.testing.assert_close(logits(again), logits(expected), rtol=0, atol=1e-5)
    tied = expected.get_output_embeddings().weight is expected.get_input_embeddings().weight
    assert tied


def test_a_new_head_learns_too_and_goes_with_the_model(make_town: Any, adapt: Adapt) -> None:
    made = make_town()
    made.write(with_head=False, sections={"tasks": []}, **TRAIN)
    adapt(made, "town.yaml", "--out", "headed")
    run = RunFolder(made.folder / "headed")
    before, after = (
        load_file(folder / "model.safetensors")
        for folder in (run.path / "head" / "model", run.adapted)
    )
    assert not torch.equal(before["cls.predictions.bias"], after["cls.predictions.bias"])
    assert all("lora_" in key for key in load_file(run.adapter / "adapter_model.safetensors"))
    assert load_masked_lm(find_base(str(run.adapter), made.folder), 0).new_head
