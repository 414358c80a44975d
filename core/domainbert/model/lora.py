"""Low-rank adapters by peft: put into a model, merged into its weights.

peft changes the model in place, so whoever holds it sees the class and the names of modules that
it had. What learns stands beside the frozen weights under new names.
"""

from __future__ import annotations

import copy
import re
import warnings
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from domainbert.errors import RecipeError
from domainbert.keyed_random import derive_key
from domainbert.model.masked_lm import head_parameters
from domainbert.recipe.lora import LoraSection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domainbert.model.load import LoadedModel
    from domainbert.recipe.schema import Recipe
    from domainbert.recipe.train import TrainSection

ADAPTER_WEIGHTS = "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."
"""Of the names of weights in an adapter's file."""
TakenAdapter = tuple[Any, dict[str, torch.Tensor]]
"""Configuration and weights of an adapter, as peft has them."""


def put_lora(
    model: Any, section: LoraSection, seed: int, new_ids: Sequence[int] = (), key: str = "train"
) -> Any:
    """Put an adapter into a model, in place, and return the `PeftModel` around it.

    The adapter changes nothing yet. It alone requires gradients then.

    Args:
        model: A transformers model.
        section: Rank, scale, targets.
        seed: Of the matrices' start.
        new_ids: Rows of the vocabulary that learn too, in the embeddings and a tied decoder.
        key: Section of the recipe, for messages.

    Raises:
        RecipeError: A name fits no module.
    """
    from peft import LoraConfig, get_peft_model

    targets = target_pattern(model, section.targets, f"{key}.lora.targets")
    _check_modules(model, section.modules_to_save, f"{key}.lora.modules_to_save")
    config = LoraConfig(
        r=section.r,
        lora_alpha=section.alpha,  # type: ignore[arg-type]  # any number will do
        lora_dropout=section.dropout,
        target_modules=targets,
        modules_to_save=list(section.modules_to_save) or None,
        trainable_token_indices=list(new_ids) or None,
    )
    torch.manual_seed(derive_key("lora", seed))
    with quiet_peft():
        adapter = get_peft_model(model, config)
    _keep_bias(model)
    return adapter


def _keep_bias(model: Any) -> None:
    """Give a tied decoder with new rows its bias back, which peft loses until they are merged.

    https://github.com/huggingface/peft/issues/3649
    """
    from peft.tuners.trainable_tokens.layer import TrainableTokensLayer

    for module in model.modules():
        if not isinstance(module, TrainableTokensLayer):
            continue
        decoder: Any = module.base_layer
        bias_V = getattr(decoder, "bias", None)
        if bias_V is None or bias_V.is_meta:
            continue
        nothing_1H = bias_V.new_zeros(1, decoder.in_features)
        with torch.no_grad():
            kept_V = bias_V.clone()
            bias_V.fill_(1.0)
            is_lost = not module(nothing_1H).any()
            bias_V.copy_(kept_V)
        if is_lost:
            module.register_forward_hook(lambda own, _, scores: scores + own.base_layer.bias)


def check_lora(model: Any, recipe: Recipe) -> None:
    """Refuse names in a recipe's `lora` sections that fit no module, before any work starts.

    Args:
        model: The base as a masked language model.
        recipe: Sections `train` and `evaluate`.

    Raises:
        RecipeError: A name fits none.
    """
    parts = (("train", recipe.train, model), ("evaluate", recipe.evaluate, model.base_model))
    for key, settings, part in parts:
        if settings.lora is not None:
            target_pattern(part, settings.lora.targets, f"{key}.lora.targets")
            _check_modules(part, settings.lora.modules_to_save, f"{key}.lora.modules_to_save")


def with_adapter(loaded: LoadedModel, settings: TrainSection, new_head: bool) -> LoadedModel:
    """Return a model to train as a recipe says: itself, or with an adapter put into it.

    Args:
        loaded: The model, with the new entries of its vocabulary.
        settings: Section `train`.
        new_head: Whether its MLM head is new, and so learns in full.

    Raises:
        RecipeError: A name of `train.lora` fits no module.
    """
    if settings.method == "full":
        return loaded
    new_ids = loaded.extension.ids if loaded.extension else ()
    adapter = put_lora(loaded.model, settings.lora or LoraSection(), settings.seed, new_ids)
    learning = set(head_parameters(loaded.model)) if new_head else set()
    for name, parameter in loaded.model.named_parameters():
        if name in learning and ".original_module." not in name:
            parameter.requires_grad_(True)
    return replace(loaded, adapter=adapter)


def target_pattern(model: Any, wanted: Sequence[str], key: str) -> str:
    """Return a regular expression of the linear layers of an encoder, for all of its layers.

    Args:
        model: A transformers model.
        wanted: Ends of their names; none for all.
        key: Of the recipe, for messages.

    Raises:
        RecipeError: An end fits none of them.
    """
    prefix = f"{model.base_model_prefix}."
    linear = [
        name.removeprefix(prefix)
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and _in_encoder(name, model)
    ]
    ends = sorted({re.sub(r".*\.\d+\.", "", name) for name in linear})
    for end in wanted:
        if not any(ends_with(name, end) for name in linear):
            raise RecipeError(f"{key}: {end!r} fits no linear layer; there are {', '.join(ends)}.")
    chosen = {n for n in linear if not wanted or any(ends_with(n, end) for end in wanted)}
    patterns = {re.sub(r"(?<=\\\.)\d+(?=\\\.)", r"\\d+", re.escape(name)) for name in chosen}
    # With or without the encoder's name in front: the same adapter fits its class with any head.
    return rf"(?:.*\.)?(?:{'|'.join(sorted(patterns))})"


def _in_encoder(name: str, model: Any) -> bool:
    prefix = f"{model.base_model_prefix}."
    inside = model.base_model is model or name.startswith(prefix)
    return inside and not re.search("embedding|pooler", name)


def ends_with(name: str, end: str) -> bool:
    """Return whether a module is called so, or its last names are these."""
    return name == end or name.endswith(f".{end}")


def _check_modules(model: Any, wanted: Iterable[str], key: str) -> None:
    """Refuse modules that cannot be learned and saved on their own.

    A copy of a tied weight would no longer be tied, and LoRA stands beside linear layers.
    """
    modules = {name: module for name, module in model.named_modules() if name}
    ends = model.get_input_embeddings(), model.get_output_embeddings()
    tied = {id(p) for module in ends if module is not None for p in module.parameters()}
    for end in wanted:
        found = [name for name in modules if ends_with(name, end)]
        if not found:
            there = ", ".join(sorted({name.split(".")[0] for name in modules}))
            raise RecipeError(f"{key}: {end!r} fits no module; the model has {there}.")
        for name in found:
            module = modules[name]
            own = {id(p) for p in module.parameters()}
            holds = any(isinstance(m, nn.Linear) for m in module.modules())
            why = (
                "has no weights" if not own
                else "holds the embeddings, or a decoder" if own & tied
                else "holds layers that LoRA stands beside" if holds and _in_encoder(name, model)
                else "is a list of modules" if isinstance(module, nn.ModuleList | nn.ModuleDict)
                else ""
            )  # fmt: skip
            if why:
                raise RecipeError(f"{key}: {name} {why}. Name smaller modules, such as LayerNorm.")


def taken(peft_model: Any) -> TakenAdapter:
    """Return configuration and weights of an adapter, which `merge` would lose."""
    from peft import get_peft_model_state_dict

    weights = get_peft_model_state_dict(peft_model, save_embedding_layers=False)
    kept = {name: value.detach().cpu().clone() for name, value in weights.items()}
    return copy.deepcopy(peft_model.peft_config["default"]), kept


def write_task_adapter(adapter: TakenAdapter, whole: Any, folder: Path, base: str) -> None:
    """Write the adapter of a fine-tuned encoder for plain peft on the class of its task.

    The head learned in full, and is in it as a module to save.

    Args:
        adapter: Of the encoder alone.
        whole: The fine-tuned model, in transformers' class of the task.
        folder: Is there and empty.
        base: What results call the checkpoint that it was fine-tuned from.
    """
    from safetensors.torch import save_file

    config, weights = adapter
    inside, front = f"{whole.base_model_prefix}.", PEFT_PREFIX
    renamed = {front + inside + name.removeprefix(front): v for name, v in weights.items()}
    heads = [
        n
        for n, m in whole.named_children()
        if f"{n}." != inside and next(m.parameters(), None) is not None
    ]
    heads += [n for n, _ in whole.base_model.named_children() if n == "pooler"]
    for name, value in whole.state_dict().items():
        if name.removeprefix(inside).split(".")[0] in heads:
            renamed[front + name] = value.detach().cpu()
    config.modules_to_save, config.inference_mode = heads, True
    config.base_model_name_or_path = base
    config.save_pretrained(folder)
    save_file({name: v.contiguous() for name, v in renamed.items()}, folder / ADAPTER_WEIGHTS)


def merge(peft_model: Any) -> Any:
    """Return the model with the adapter added to its weights; the adapter is gone then."""
    with quiet_peft():
        model = peft_model.merge_and_unload()
    if getattr(model.config, "tie_word_embeddings", False):
        model.tie_weights()  # peft puts modules back as other objects
    return model


@contextmanager
def quiet_peft() -> Iterator[None]:
    """Silence warnings of peft, and of transformers about names that peft uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
