from __future__ import annotations

from domainbert.pipeline.publish import _is_of


def test_a_task_that_is_tested_on_another_has_the_licences_of_both() -> None:
    declared = ["fiqa-news", "fiqa", "fiqa-posts", "news"]
    assert [n for n in declared if _is_of("fiqa-news-on-fiqa-posts", n)] == [
        "fiqa-news", "fiqa-posts",
    ]  # fmt: skip
    assert [name for name in declared if _is_of("fiqa-news", name)] == ["fiqa-news"]
