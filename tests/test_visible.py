from __future__ import annotations

import pytest

from domainbert.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain na\u00efve \u5317\u4eac\nline", "plain na\u00efve \u5317\u4eac\nline"),
        ("\x1b]0;title\x07\x1b[2J", "\ufffd]0;title\ufffd\ufffd[2J"),
        ("a\u202eb\u200bc\x9bd\re", "a\ufffdb\ufffdc\ufffdd\ufffde"),
        ("see http://user:pw@host:1/a.txt?token=x#y now", "see http://host:1/a.txt now"),
        ("'https://host/a?key=secret'", "'https://host/a'"),
        ("http://user:pw@[bad", "http://\u2026"),
    ],
)
def test_nothing_hidden_and_nothing_secret_is_shown(text: str, shown: str) -> None:
    assert visible(text) == shown
