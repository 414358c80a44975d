"""With three processes the order of sums has to be agreed on before a run begins or continues."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from helpers.runs import copied, metrics, weights

from domainbert.run.folder import RunFolder

STEPS, KEPT = 18, 10  # both phases; the second is continued in its middle

# The command as it is, or without the pass that settles the order.
RUNNER = """
import sys
from domainbert.cli.app import main
from domainbert.training import loop

if sys.argv.pop(1) == "unsettled":
    loop.warm_up_ddp_buckets = lambda job, module, step: None
main()
"""


def adapt(folder: Path, how: str, name: str) -> str:
    """Run or continue; return what was said."""
    launch = ["torch.distributed.run", "--standalone", "--nproc-per-node", "3", "runner.py", how]
    words = ["adapt", "recipe.yaml", "--out", name, "--set", "train.save_total_limit=9"]
    done = subprocess.run(
        [sys.executable, "-m", *launch, *words],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_three_processes_continue_bit_identically_and_only_because_the_order_is_settled(
    bench: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write_recipe(tmp_path, STEPS - 6)
    (tmp_path / "runner.py").write_text(RUNNER, encoding="utf-8")
    for key, value in bench.VARIABLES.items():
        monkeypatch.setenv(key, value)
    equal = {}
    for how in ("settled", "unsettled"):
        adapt(tmp_path, how, how)
        whole = RunFolder(tmp_path / how)
        run = copied(whole, f"{how}-again", KEPT)
        assert f"continuing after step {KEPT}, bit-exact" in adapt(tmp_path, how, run.path.name)
        equal[how] = weights(run) == weights(whole)
        if how == "settled":
            assert metrics(run) == metrics(whole)
    assert equal == {"settled": True, "unsettled": False}
