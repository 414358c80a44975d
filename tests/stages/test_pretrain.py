from __future__ import annotations

import pytest

from domainbert.stages.pretrain import Adaptation
from domainbert.training.held_out import HeldOutScore


@pytest.mark.parametrize(
    ("after", "skipped", "said"),
    [
        (2.0, 0, ""),
        (2.0, 50, ""),
        (2.0, 51, "51 of 100 batches were skipped"),
        (2.999, 0, "the model learned nothing: held-out text has 2.999 bits per character, 3.000"),
        (3.5, 0, "the model learned nothing"),
    ],
)
def test_a_run_that_learned_nothing_says_so(after: float, skipped: int, said: str) -> None:
    scores = (HeldOutScore(bits, 0.5, 9, 900, 200, 6000) for bits in (3.0, after))
    why = {str(step): "not finite" for step in range(skipped)}
    doubt = Adaptation(*scores, False, 100, 10_000, 60.0, why).doubt
    assert (doubt[: len(said)], bool(doubt)) == (said, bool(said))
