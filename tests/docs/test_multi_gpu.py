"""The files of the page on several GPUs are what Accelerate and a shell read."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from accelerate.commands.config.config_args import ClusterConfig, load_config_from_file

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "multi-gpu.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONFIGS = {
    "ddp.yaml": ("MULTI_GPU", 8, 1, None),
    "two-machines.yaml": ("MULTI_GPU", 16, 2, None),
    "fsdp.yaml": ("FSDP", 8, 1, 2),
}


def blocks(language: str) -> list[str]:
    found = _BLOCK.findall(PAGE.read_text(encoding="utf-8"))
    return [text for name, text in found if name == language]


@pytest.mark.parametrize("name", CONFIGS)
def test_accelerate_reads_the_config(name: str, tmp_path: Path) -> None:
    assert len(blocks("yaml")) == len(CONFIGS)
    (text,) = [text for text in blocks("yaml") if text.startswith(f"# {name}\n")]
    (tmp_path / name).write_text(text, encoding="utf-8")
    config = load_config_from_file(str(tmp_path / name))
    assert isinstance(config, ClusterConfig)
    found = (config.distributed_type.value, config.num_processes, config.num_machines)
    assert (*found, config.fsdp_config.get("fsdp_version")) == CONFIGS[name]


def test_a_shell_can_parse_the_batch_scripts() -> None:
    for script in blocks("bash")[:2]:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
