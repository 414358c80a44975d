"""What goes wrong in the main process is raised in all of them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from domainbert.errors import FailedElsewhere, StorageFullError, UserError
from domainbert.training import distributed


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StorageFullError("odd"), StorageFullError),
        (UserError("odd"), UserError),
        (TypeError("odd"), FailedElsewhere),
    ],
)
def test_others_raise_the_error_of_the_main_process(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[Exception]
) -> None:
    sent: list[object] = []

    def broadcast(values: list[object]) -> None:
        """Send what the first caller holds, as the main process does, to the second."""
        sent.extend(values if not sent else [])
        values[:] = sent

    monkeypatch.setattr(distributed, "broadcast_object_list", broadcast)
    two = SimpleNamespace(num_processes=2)
    with pytest.raises(type(error)) as caught:
        distributed.fail_together(two, error)
    assert caught.value is error
    with pytest.raises(kind, match=r"^odd$") as other:
        distributed.fail_together(two, None)
    assert type(other.value) is kind
