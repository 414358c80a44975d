from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from domainbert.errors import PluginError
from domainbert.plugin.registry import PluginInfo, Registry, load_plugins

GOOD = """
import domainbert

@domainbert.hookimpl
def domainbert_domains():
    yield domainbert.Domain(name="{name}", title="Of {name}")
"""

TASK = """
import pathlib
import domainbert

def task(name):
    splits = {split: pathlib.Path(split) for split in ("train", "validation", "test")}
    return domainbert.Task(name, "T", "tagging", "CC0-1.0", "here", "1", splits, ("Entity",))
"""


def good(name: str) -> str:
    return GOOD.format(name=name)


def only(registry: Registry, *distributions: str) -> list[PluginInfo]:
    """Leave out what is installed beside the plugins of the test."""
    return [info for info in registry.plugins if info.distribution in distributions]


@pytest.fixture
def alone(shelf: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Registry]:
    """Load plugins of the test only; those installed beside them are disabled."""

    def load(*names: str, files: tuple[Path, ...] = ()) -> Registry:
        monkeypatch.setenv("DOMAINBERT_PLUGINS", ",".join(names))
        return load_plugins(files)

    return load


def test_a_good_plugin_is_ok_and_provides_its_domain(shelf: Any, alone: Any) -> None:
    shelf.add("fake-good", good("legal"), requires=("domainbert>=0.1", "lxml<1"))
    registry = alone("fake-good")
    assert only(registry, "fake-good") == [
        PluginInfo("fake-good", "fake-good", "1.2.3", "ok", "", ("legal",))
    ]
    assert {name: domain.title for name, domain in registry.domains.items()} == {
        "legal": "Of legal"
    }
    assert registry.domain("legal") is registry.domains["legal"]


def test_a_plugin_without_hooks_is_ok_and_provides_nothing(shelf: Any, alone: Any) -> None:
    shelf.add("fake-bare", "x = 1\n")
    registry = alone("fake-bare")
    assert only(registry, "fake-bare") == [PluginInfo("fake-bare", "fake-bare", "1.2.3")]
    assert registry.domains == {}


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("raise ImportError('no libfoo')", "ImportError: no libfoo"),
        ("import no_such_module_anywhere", "ModuleNotFoundError: No module named"),
        ("def broken(:", "SyntaxError: invalid syntax"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
        ("raise SystemExit", "SystemExit: no message"),
        ("raise ValueError('two\\n  lines')", "ValueError: two lines"),
        (good("legal").replace("domainbert_domains", "domainbert_domain"), "PluginValidationError"),
        (good("legal").replace("domains()", "domains(app)"), "PluginValidationError: "),
        (good("legal").replace("domainbert.Domain(", "dict("), "TypeError: domainbert_domains yi"),
        (good("legal").replace("yield", "return"), "TypeError: 'Domain' object is not iterable"),
        (good("legal").replace("    yield", "    1 / 0; yield"), "ZeroDivisionError: division by"),
        (good("legal") + "    raise SystemExit(3)\n", "SystemExit: 3"),
        (good("Legal Text"), "domain name 'Legal Text': expected lower-case letters, digits and"),
    ],
)
def test_a_plugin_that_fails_is_broken_with_its_reason_on_one_line(
    source: str, error: str, shelf: Any, alone: Any
) -> None:
    shelf.add("fake-broken", source)
    shelf.add("fake-other", good("other"))
    registry = alone("fake-broken", "fake-other")
    broken, other = only(registry, "fake-broken", "fake-other")
    assert (broken.status, broken.domains) == ("broken", ())
    assert broken.error.startswith(error)
    assert "\n" not in broken.error
    assert other.status == "ok"
    assert list(registry.domains) == ["other"]


def test_the_misspelt_hook_is_named_in_the_reason(shelf: Any, alone: Any) -> None:
    shelf.add("fake-misspelt", good("x").replace("domainbert_domains", "domainbert_domain"))
    (info,) = only(alone("fake-misspelt"), "fake-misspelt")
    assert "domainbert_domain" in info.error


def test_a_plugin_that_yields_something_else_than_a_domain_is_told_what(
    shelf: Any, alone: Any
) -> None:
    shelf.add("fake-text", good("x").replace("yield", "yield 'text' #"))
    (info,) = only(alone("fake-text"), "fake-text")
    assert info.error == "TypeError: domainbert_domains yielded str, not a Domain"


def test_a_plugin_for_another_version_is_incompatible_and_not_imported(
    shelf: Any, alone: Any
) -> None:
    shelf.add("fake-old", "raise RuntimeError('imported')", requires=("DomainBERT<0.1",))
    assert only(alone("fake-old"), "fake-old") == [
        PluginInfo(
            "fake-old",
            "fake-old",
            "1.2.3",
            "incompatible",
            "needs DomainBERT<0.1, this is 0.1.0",
        )
    ]


@pytest.mark.parametrize(
    "requirement",
    ["domainbert>=0.1,<0.2", "domainbert", "domainbert<0.1; extra == 'old'", "domainbert-x<0", "?"],
)
def test_other_requirements_do_not_make_a_plugin_incompatible(
    requirement: str, shelf: Any, alone: Any
) -> None:
    shelf.add("fake-needs", good("legal"), requires=(requirement,))
    assert [info.status for info in only(alone("fake-needs"), "fake-needs")] == ["ok"]


def test_two_plugins_with_one_domain_are_both_in_conflict(shelf: Any, alone: Any) -> None:
    shelf.add("fake-one", good("legal"))
    shelf.add("fake-two", good("legal"))
    shelf.add("fake-three", good("other"))
    registry = alone("fake-one", "fake-two", "fake-three")
    assert only(registry, "fake-one", "fake-two", "fake-three") == [
        PluginInfo(
            "fake-one",
            "fake-one",
            "1.2.3",
            "conflict",
            "Domain 'legal' also in fake-two:fake-two",
            ("legal",),
        ),
        PluginInfo("fake-three", "fake-three", "1.2.3", "ok", "", ("other",)),
        PluginInfo(
            "fake-two",
            "fake-two",
            "1.2.3",
            "conflict",
            "Domain 'legal' also in fake-one:fake-one",
            ("legal",),
        ),
    ]
    assert list(registry.domains) == ["other"]
    with pytest.raises(PluginError) as caught:
        registry.domain("legal")
    assert str(caught.value) == (
        "Domain 'legal': its plugin fake-one 1.2.3 is conflict: Domain 'legal' also in "
        "fake-two:fake-two. See `domainbert plugins list`."
    )


def test_one_plugin_that_yields_a_domain_twice_is_in_conflict_with_itself(
    shelf: Any, alone: Any
) -> None:
    shelf.add("fake-twice", good("legal") + '    yield domainbert.Domain(name="legal", title="")\n')
    (info,) = only(alone("fake-twice"), "fake-twice")
    assert (info.status, info.error) == (
        "conflict",
        "Domain 'legal' also in fake-twice:fake-twice",
    )


def test_disabling_one_of_two_plugins_solves_the_conflict(shelf: Any, alone: Any) -> None:
    shelf.add("fake-one", good("legal"))
    shelf.add("fake-two", "raise RuntimeError('imported')")
    registry = alone("fake-one")
    assert only(registry, "fake-one", "fake-two") == [
        PluginInfo("fake-one", "fake-one", "1.2.3", "ok", "", ("legal",)),
        PluginInfo(
            "fake-two", "fake-two", "1.2.3", "disabled", "not named in DOMAINBERT_PLUGINS", ()
        ),
    ]
    with pytest.raises(PluginError) as caught:
        registry.domain("fake-two")
    assert str(caught.value) == (
        "Domain 'fake-two': its plugin fake-two 1.2.3 is disabled: not named in "
        "DOMAINBERT_PLUGINS. See `domainbert plugins list`."
    )


@pytest.mark.parametrize(
    ("selection", "enabled"),
    [
        (None, {"one", "two"}),
        ("", set()),
        ("one", {"one"}),
        (" one , fake-two ,", {"one", "two"}),
        ("fake-one", {"one"}),
        ("other", set()),
    ],
)
def test_the_selection_names_entry_points_or_distributions(
    selection: str | None, enabled: set[str], shelf: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-one", good("first"), names=("one",))
    shelf.add("fake-two", good("second"), names=("two",))
    if selection is not None:
        monkeypatch.setenv("DOMAINBERT_PLUGINS", selection)
    found = only(load_plugins(), "fake-one", "fake-two")
    assert {info.name for info in found if info.status == "ok"} == enabled


def test_a_distribution_that_is_on_the_path_twice_is_loaded_once(
    shelf: Any, alone: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.add("fake-good", good("legal"))
    again = tmp_path / "again"
    (again / "fake_good-1.2.3.dist-info").mkdir(parents=True)
    for path in (shelf.folder / "fake_good-1.2.3.dist-info").iterdir():
        (again / "fake_good-1.2.3.dist-info" / path.name).write_bytes(path.read_bytes())
    monkeypatch.syspath_prepend(str(again))
    assert [info.status for info in only(alone("fake-good"), "fake-good")] == ["ok"]


# --- single files ------------------------------------------------------------------------------


def test_a_single_file_is_a_plugin(alone: Any, tmp_path: Path) -> None:
    path = tmp_path / "my_domain.py"
    path.write_text(good("mine"))
    registry = alone(files=(path,))
    assert registry.plugins[-1] == PluginInfo(str(path), "file", "", "ok", "", ("mine",))
    assert registry.domain("mine").title == "Of mine"


def test_a_single_file_can_define_dataclasses(alone: Any, tmp_path: Path) -> None:
    path = tmp_path / "with_class.py"
    path.write_text(
        "from __future__ import annotations\nimport dataclasses\n"
        "@dataclasses.dataclass\nclass Row:\n    text: str\n" + good("mine")
    )
    assert alone(files=(path,)).plugins[-1].status == "ok"


@pytest.mark.parametrize(
    ("name", "source", "error"),
    [
        ("a.py", "1 / 0", "ZeroDivisionError: division by zero"),
        ("b.py", "raise SystemExit", "SystemExit: no message"),
        ("c.txt", good("mine"), "ImportError: not a Python file; the name must end in .py"),
        ("d.py", "def (", "SyntaxError: invalid syntax"),
    ],
)
def test_a_single_file_that_fails_is_broken(
    name: str, source: str, error: str, alone: Any, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(source)
    info = alone(files=(path,)).plugins[-1]
    assert (info.name, info.distribution, info.status) == (str(path), "file", "broken")
    assert info.error.startswith(error)


def test_a_single_file_that_does_not_exist_is_an_error_at_once(alone: Any, tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        alone(files=(tmp_path / "none.py",))
    assert str(caught.value) == f"--plugin {tmp_path / 'none.py'}: no such file."


# --- unknown domains ---------------------------------------------------------------------------


def test_an_unknown_domain_gets_the_command_that_may_install_it(shelf: Any, alone: Any) -> None:
    shelf.add("fake-b", good("beta"))
    shelf.add("fake-a", good("alpha"))
    registry = alone("fake-a", "fake-b")
    with pytest.raises(PluginError) as caught:
        registry.domain("legal")
    assert str(caught.value) == (
        "Unknown domain 'legal'. Installed: alpha, beta. A plugin may provide it: "
        "`pip install domainbert-legal`, or name a file with `--plugin FILE.py`."
    )


def test_without_plugins_no_domain_is_installed() -> None:
    with pytest.raises(PluginError, match=r"Unknown domain 'legal'\. Installed: none\. "):
        Registry(()).domain("legal")


def test_the_reason_is_given_for_the_domain_of_a_broken_plugin(shelf: Any, alone: Any) -> None:
    shelf.add("domainbert-legal", "import no_such_module_anywhere", names=("legal",))
    with pytest.raises(PluginError) as caught:
        alone("legal").domain("legal")
    assert str(caught.value) == (
        "Domain 'legal': its plugin domainbert-legal 1.2.3 is broken: ModuleNotFoundError: "
        "No module named 'no_such_module_anywhere'. See `domainbert plugins list`."
    )


# --- tasks for other domains -------------------------------------------------------------------


def adder(*lines: str) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"{TASK}\n@domainbert.hookimpl\ndef domainbert_tasks():\n{body}"


def test_a_plugin_adds_tasks_to_the_domain_of_another(shelf: Any, alone: Any) -> None:
    shelf.add("fake-legal", good("legal"))
    shelf.add("fake-adder", adder('yield "legal", task("a")', 'yield "legal", task("b")'))
    registry = alone("fake-adder", "fake-legal")
    assert [info.status for info in only(registry, "fake-adder", "fake-legal")] == ["ok", "ok"]
    assert [task.name for task in registry.domain("legal").tasks] == ["a", "b"]


def test_tasks_for_a_domain_that_is_not_installed_are_left_out(shelf: Any, alone: Any) -> None:
    shelf.add("fake-adder", adder('yield "legal", task("a")'))
    registry = alone("fake-adder")
    assert [info.status for info in only(registry, "fake-adder")] == ["ok"]
    assert registry.domains == {}


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        (['yield "legal", task("a")', "1 / 0"], "ZeroDivisionError: division by zero"),
        (['yield "legal", task("a")', 'yield "legal", "b"'], "TypeError: domainbert_tasks yielded"),
        (['yield "legal", task("a")', "yield 5"], "TypeError: "),
        (['yield "legal", task("a")', 'yield "legal", task("a")'], "domain 'legal': tasks named"),
        (['yield "legal", task("a")', "raise SystemExit"], "SystemExit: no message"),
    ],
)
def test_a_plugin_whose_tasks_fail_is_broken_and_adds_none(
    lines: list[str], error: str, shelf: Any, alone: Any
) -> None:
    shelf.add("fake-legal", good("legal"))
    shelf.add("fake-adder", adder(*lines))
    registry = alone("fake-adder", "fake-legal")
    adding, legal = only(registry, "fake-adder", "fake-legal")
    assert (adding.status, legal.status) == ("broken", "ok")
    assert adding.error.startswith(error)
    assert registry.domain("legal").tasks == ()


def test_a_plugin_whose_tasks_fail_provides_no_domain_either(shelf: Any, alone: Any) -> None:
    shelf.add("fake-both", good("legal") + adder("1 / 0"))
    registry = alone("fake-both")
    assert [info.status for info in only(registry, "fake-both")] == ["broken"]
    assert registry.domains == {}


# --- commands ----------------------------------------------------------------------------------

COMMAND = """
import domainbert

@domainbert.hookimpl
def domainbert_commands(app):
    @app.command()
    def {name}():
        print("hello from {name}")
"""


def test_plugins_add_commands_and_one_that_fails_is_reported(shelf: Any, alone: Any) -> None:
    shelf.add("fake-a", COMMAND.format(name="first"))
    shelf.add(
        "fake-b",
        "import domainbert\n@domainbert.hookimpl\ndef domainbert_commands(app):\n"
        "    raise ValueError('no\\nluck')\n",
    )
    shelf.add("fake-c", COMMAND.format(name="second"))
    shelf.add("fake-d", COMMAND.format(name="third") + "    raise SystemExit(4)\n")
    app = typer.Typer()
    failures = alone("fake-a", "fake-b", "fake-c", "fake-d").register_commands(app)
    assert failures == [
        "plugin fake-b: domainbert_commands failed: ValueError: no luck",
        "plugin fake-d: domainbert_commands failed: SystemExit: 4",
    ]
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert names[:2] == ["first", "second"]


def test_a_plugin_that_is_not_ok_adds_no_command(shelf: Any, alone: Any) -> None:
    shelf.add("fake-a", COMMAND.format(name="first") + good("legal"))
    shelf.add("fake-b", good("legal"))
    shelf.add("fake-c", COMMAND.format(name="second"))
    app = typer.Typer()
    assert alone("fake-a", "fake-b").register_commands(app) == []
    assert app.registered_commands == []
