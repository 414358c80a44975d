from __future__ import annotations

import json
import platform
from importlib.metadata import version

import pytest
import torch
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


def test_the_environment_names_versions_and_hardware_and_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("USER", "anna-tok3n")
    monkeypatch.setenv("HOME", "/home/anna-tok3n")
    found = environment()
    assert sorted(found) == ["cores", "processor", "python", "system", "versions"]
    assert found["versions"]["domainbert"] == "0.1.0"
    assert "tok3n" not in json.dumps(found)
