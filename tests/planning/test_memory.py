"""The peak of memory as the system counts it."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
import torch

from domainbert.planning.memory import forget_peak, peak_memory

CPU = torch.device("cpu")


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux tells its peak")
def test_the_peak_of_this_process_is_seen_and_forgotten() -> None:
    assert forget_peak(CPU)
    before = peak_memory(CPU)
    # Given back to the system when it is closed, which freed memory need not be.
    with mmap.mmap(-1, 200_000_000) as block:
        block.write(b"x" * 200_000_000)
        with_block = peak_memory(CPU)
    assert before is not None
    assert with_block is not None
    assert with_block - before > 150_000_000
    assert peak_memory(CPU) == pytest.approx(with_block, rel=0.01)
    forget_peak(CPU)
    after = peak_memory(CPU)
    assert after is not None
    assert with_block - after > 150_000_000
