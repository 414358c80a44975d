from __future__ import annotations

import json
import platform
from importlib import metadata
from importlib.metadata import version
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from torch import nn

from domainbert.run.environment import environment, environment_fingerprint, processor_name
from domainbert.run.session import Session


def test_all_that_bits_depend_on_is_told(session: Session) -> None:
    assert environment_fingerprint(nn.Linear(1, 1)) == {
        "torch": torch.__version__,
        "transformers": version("transformers"),
        "accelerate": version("accelerate"),
        "numpy": version("numpy"),
        "python": platform.python_version(),
        "domainbert": version("domainbert"),
        "device": "cpu",
        "processor": processor_name(),
        "processes": "1",
        "distributed": "NO",
        "precision": "fp32",
        "threads": str(torch.get_num_threads()),
    }


@pytest.mark.parametrize(
    ("field", "value", "key", "told"),
    [
        ("_mixed_precision", "bf16", "precision", "bf16"),
        ("distributed_type", DistributedType.FSDP, "distributed", "FSDP"),
    ],
)
def test_precision_and_kind_of_processes_are_those_of_the_run(
    session: Session, monkeypatch: pytest.MonkeyPatch, field: str, value: Any, key: str, told: str
) -> None:
    for state in (PartialState, AcceleratorState):  # the second copies what the first knows
        monkeypatch.setitem(state._shared_state, field, value)
    assert environment_fingerprint(nn.Linear(1, 1))[key] == told


def test_the_environment_names_versions_and_hardware_and_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USER", "anna-tok3n")
    monkeypatch.setenv("HOME", "/home/anna-tok3n")
    found = environment()
    assert sorted(found) == ["cores", "processor", "python", "system", "versions"]
    assert found["python"] == platform.python_version()
    assert found["versions"]["domainbert"] == "0.1.0"
    libraries = {name for name in found["versions"] if not name.startswith("domainbert")}
    assert libraries == {
        "accelerate", "numpy", "pyarrow", "safetensors", "scikit-learn", "scipy", "seqeval",
        "tokenizers", "torch", "transformers",
    }  # fmt: skip
    assert found["versions"]["domainbert-bio"] == metadata.version("domainbert-bio")
    assert "tok3n" not in json.dumps(found)
