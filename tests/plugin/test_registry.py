from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer

from domainbert import CorpusStep
from domainbert.errors import PluginError
from domainbert.plugin import registry as registry_module
from domainbert.plugin.registry import component, components

Text = Callable[..., str]


BROKEN = {
    "raise ImportError('no libfoo')": "ImportError: no libfoo",
    "raise SystemExit('no licence')": "SystemExit: no licence",
}
HOOKS = {
    "domains: yield 'text'": "TypeError: domainbert_domains yielded str, not a Domain",
    "domains: raise SystemExit(3)": "SystemExit: 3",
    "domain: yield": "PluginValidationError: unknown hook 'domainbert_domain' in plugin",
    "domains(app): yield": "PluginValidationError: Plugin 'fake-broken:fake-broken'",
    "tasks: yield 'other', 'b'": "TypeError: domainbert_tasks yielded str, not a Task",
    "tasks: yield 'other', task('a'); yield 'other', task('a')": "domain 'other': tasks named tw",
    "components: yield CorpusStep('keep')": "corpus step 'keep': give `apply` or `make`, one of ",
    "components: yield CorpusStep('keep', 3)": "TypeError: CorpusStep 'keep': `apply` is int, ex",
}


@pytest.mark.parametrize(("text", "error"), [*BROKEN.items(), *HOOKS.items()])
def test_a_plugin_that_fails_is_broken_with_its_reason_on_one_line(
    text: str, error: str, alone: Any, source: Text, good: Text, statuses: Any
) -> None:
    if text in HOOKS:
        hook, _, body = text.partition(": ")
        name, _, arguments = hook.strip(")").partition("(")
        text = good("own") + source(name, body, arguments=arguments)
    registry = alone(broken=text, other=good("other"))
    status, reason = statuses(registry)["broken"]
    assert (status, reason[: len(error)]) == ("broken", error)
    assert "\n" not in reason
    assert list(registry.domains) == ["other"]


def test_two_plugins_with_one_name_are_both_in_conflict(
    alone: Any, good: Text, source: Text, statuses: Any
) -> None:
    step = source("components", STEP.format("keep"))
    registry = alone(one=good("legal"), two=good("legal"), x=step, y=step)
    assert statuses(registry) == {
        "one": ("conflict", "Domain 'legal' also in fake-two:fake-two"),
        "two": ("conflict", "Domain 'legal' also in fake-one:fake-one"),
        "x": ("conflict", "CorpusStep 'keep' also in fake-y:fake-y"),
        "y": ("conflict", "CorpusStep 'keep' also in fake-x:fake-x"),
    }
    assert list(registry.domains) == []
    assert "keep" not in components(CorpusStep)


def test_an_unknown_domain_gets_the_nearest_name_and_no_guessed_package(
    alone: Any, good: Text
) -> None:
    registry = alone(a=good("alpha"), b=good("beta"), broken="1 / 0")
    expected = r"'alphas'\. Did you mean 'alpha'\? .*Install a plugin .*broken is bro"
    with pytest.raises(PluginError, match=expected):
        registry.domain("alphas")


# --- tasks for other domains -------------------------------------------------------------------


def test_a_plugin_adds_tasks_to_the_domain_of_another(alone: Any, good: Text, source: Text) -> None:
    adder = source("tasks", *(f'yield "{d}", task("{t}")' for d, t in ("la", "lb", "xa")))
    registry = alone(adder=adder, legal=good("l"))
    assert [task.name for task in registry.domain("l").tasks] == ["a", "b"]
    assert list(registry.domains) == ["l"]


# --- components --------------------------------------------------------------------------------

STEP = 'yield CorpusStep("{}", lambda documents, counts: documents)'


def test_components_are_found_by_type_and_name(alone: Any, source: Text) -> None:
    alone(one=source("components", STEP.format("keep"), STEP.format("drop")))
    assert component(CorpusStep, "keep").name == "keep"
    assert {"keep", "drop"} <= set(components(CorpusStep))


def test_a_name_of_core_is_in_conflict(
    alone: Any, source: Text, statuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = CorpusStep("keep", lambda documents, _counts: documents)
    monkeypatch.setattr(registry_module, "_core_components", lambda: {CorpusStep: {"keep": core}})
    registry = alone(one=source("components", STEP.format("keep")))
    assert statuses(registry) == {"one": ("conflict", "CorpusStep 'keep' also in domainbert")}
    assert component(CorpusStep, "keep") is core


# --- pluggy's order and wrappers ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (["1 / 0", "return (yield)"], "ZeroDivisionError: division by zero"),
        (["yield", "raise SystemExit(3)"], "SystemExit: 3"),
    ],
)
def test_a_hook_wrapper_that_fails_is_broken_and_others_work(
    body: list[str], error: str, alone: Any, source: Text, good: Text, statuses: Any
) -> None:
    wrapper = source("domains", *body, options="(wrapper=True)")
    registry = alone(legal=good("legal"), wrapper=wrapper)
    assert statuses(registry) == {"legal": ("ok", ""), "wrapper": ("broken", error)}
    assert list(registry.domains) == ["legal"]


# --- commands ----------------------------------------------------------------------------------


def test_plugins_add_commands_and_one_that_fails_is_reported(
    alone: Any, source: Text, good: Text
) -> None:
    def command(name: str, *more: str) -> str:
        lines = ("@app.command()", f"def {name}():", "    print('hello')", *more)
        return source("commands", *lines, arguments="app")

    registry = alone(
        a=command("first"),
        b=command("lost", "raise ValueError('no\\nluck')"),
        e=command("never") + good("legal"),
        f=good("legal"),
    )
    app = typer.Typer()
    assert registry.register_commands(app) == [
        "plugin fake-b: domainbert_commands failed: ValueError: no luck",
    ]
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert names == ["first", "lost"]
