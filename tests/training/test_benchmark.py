"""What `benchmarks/exactness.py` prints is what the project promises."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from domainbert.testing import FAMILIES

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "exactness.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_family_is_exact_under_one_to_four_processes() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["worlds"] == [1, 2, 3, 4]
    assert set(found["families"]) == set(FAMILIES)
    assert found["max_loss_rel_error"] < 1e-5
    assert found["max_gradient_rel_error"] < 1e-5
    assert found["trajectory"]["triples_identical"]
    assert found["trajectory"]["max_weight_rel_difference"] < 1e-3
    # What the benchmark compares with is as wrong as it says, so the equalities above mean much.
    assert found["families"]["bert"]["trainer_loss_ratio"] == pytest.approx(8, rel=0.05)
    assert found["families"]["bert"]["gradient_of_means"] > 0.05
