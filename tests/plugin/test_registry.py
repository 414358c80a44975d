from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import typer

from domainbert import CorpusStep, Metric
from domainbert.errors import PluginError
from domainbert.plugin import registry as registry_module
from domainbert.plugin.registry import PluginInfo, Registry, component, components

Text = Callable[..., str]


def test_a_good_plugin_is_ok_and_provides_its_domain(alone: Any, good: Text) -> None:
    registry = alone(good=good("legal"), bare="x = 1\n")
    ours = [info for info in registry.plugins if info.status != "disabled"]
    assert ours == [
        PluginInfo("fake-bare", "fake-bare", "1.2.3"),
        PluginInfo("fake-good", "fake-good", "1.2.3", "ok", "", ("legal",)),
    ]
    assert registry.domains == {"legal": registry.domain("legal")}


BROKEN = {
    "raise ImportError('no libfoo')": "ImportError: no libfoo",
    "def broken(:": "SyntaxError: invalid syntax",
    "raise SystemExit('no licence')": "SystemExit: no licence",
    "raise ValueError('two\\n  lines')": "ValueError: two lines",
}
HOOKS = {
    "domains: yield 'text'": "TypeError: domainbert_domains yielded str, not a Domain",
    "domains: return Domain(name='x', title='')": "TypeError: 'Domain' object is not iterable",
    "domains: raise SystemExit(3)": "SystemExit: 3",
    "domains: yield Domain(name='Legal Text', title='')": "domain name 'Legal Text': expected low",
    "domain: yield": "PluginValidationError: unknown hook 'domainbert_domain' in plugin",
    "domains(app): yield": "PluginValidationError: Plugin 'fake-broken:fake-broken'",
    "tasks: yield 'other', 'b'": "TypeError: domainbert_tasks yielded str, not a Task",
    "tasks: yield 5": "TypeError: cannot unpack",
    "tasks: yield 'other', task('a'); yield 'other', task('a')": "domain 'other': tasks named tw",
    "components: yield 'keep'": "TypeError: domainbert_components yielded str, not one of TaskKi",
    "components: yield CorpusStep('keep')": "TypeError: CorpusStep.__init__() missing 1 required",
    "components: yield CorpusStep('Keep It', len)": "CorpusStep name 'Keep It': expected lower-c",
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
    assert registry.domain("other").tasks == ()


def test_two_plugins_with_one_name_are_both_in_conflict(
    alone: Any, good: Text, source: Text, statuses: Any
) -> None:
    step = source("components", STEP.format("keep"))
    registry = alone(one=good("legal"), three=good("other"), two=good("legal"), x=step, y=step)
    assert statuses(registry) == {
        "one": ("conflict", "Domain 'legal' also in fake-two:fake-two"),
        "three": ("ok", ""),
        "two": ("conflict", "Domain 'legal' also in fake-one:fake-one"),
        "x": ("conflict", "CorpusStep 'keep' also in fake-y:fake-y"),
        "y": ("conflict", "CorpusStep 'keep' also in fake-x:fake-x"),
    }
    assert list(registry.domains) == ["other"]
    assert "keep" not in components(CorpusStep)
    with pytest.raises(PluginError) as caught:
        registry.domain("legal")
    assert str(caught.value) == (
        "Domain 'legal': its plugin fake-one 1.2.3 is conflict: Domain 'legal' also in "
        "fake-two:fake-two. See `domainbert plugins list`."
    )


def test_an_unknown_domain_gets_the_command_that_may_install_it(alone: Any, good: Text) -> None:
    registry = alone(a=good("alpha"), b=good("beta"), broken="1 / 0")
    with pytest.raises(PluginError) as caught:
        registry.domain("alphas")
    assert str(caught.value) == (
        "Unknown domain 'alphas'. Did you mean 'alpha'? Installed: alpha, beta. A plugin may "
        "provide it: `pip install domainbert-alphas`, or name a file with `--plugin FILE.py`. "
        "fake-broken is broken: ZeroDivisionError: division by zero."
    )
    with pytest.raises(PluginError, match=r"Unknown domain 'legal'\. Installed: none\. "):
        Registry(()).domain("legal")


# --- tasks for other domains -------------------------------------------------------------------


def test_a_plugin_adds_tasks_to_the_domain_of_another(alone: Any, good: Text, source: Text) -> None:
    adder = source("tasks", *(f'yield "{d}", task("{t}")' for d, t in ("la", "lb", "xa")))
    registry = alone(adder=adder, legal=good("l"))
    assert [task.name for task in registry.domain("l").tasks] == ["a", "b"]
    assert list(registry.domains) == ["l"]


# --- components --------------------------------------------------------------------------------

STEP = 'yield CorpusStep("{}", lambda documents, counts: documents)'


def test_components_are_found_by_type_and_name(alone: Any, source: Text) -> None:
    registry = alone(one=source("components", STEP.format("keep"), STEP.format("drop")))
    ours = [info for info in registry.plugins if info.components]
    assert [info.components for info in ours] == [{"CorpusStep": ["keep", "drop"]}]
    assert component(CorpusStep, "keep").name == "keep"
    assert {"keep", "drop"} <= set(components(CorpusStep))
    assert "keep" not in components(Metric)

    with pytest.raises(
        PluginError, match=r"^no CorpusStep 'drops'\. Did you mean 'drop'\? Known: "
    ):
        component(CorpusStep, "drops")


def test_a_name_of_core_is_in_conflict(
    alone: Any, source: Text, statuses: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = CorpusStep("keep", lambda documents, _counts: documents)
    monkeypatch.setattr(registry_module, "_core_components", lambda: {CorpusStep: {"keep": core}})
    registry = alone(one=source("components", STEP.format("keep")))
    assert statuses(registry) == {"one": ("conflict", "CorpusStep 'keep' also in domainbert")}
    assert component(CorpusStep, "keep") is core


# --- pluggy's order and wrappers ---------------------------------------------------------------


def test_plugins_are_called_by_name_between_those_that_ask_for_first_and_last(
    alone: Any, source: Text
) -> None:
    def domains(name: str, options: str = "") -> str:
        return source("domains", f"yield Domain(name='{name}', title='')", options=options)

    registry = alone(
        a=domains("a", "(trylast=True)"), b=domains("b"), c=domains("c"),
        d=domains("d", "(tryfirst=True)"),
    )  # fmt: skip
    assert list(registry.domains) == ["d", "b", "c", "a"]


def test_a_hook_wrapper_changes_what_others_yield(alone: Any, source: Text, good: Text) -> None:
    wrapper = source(
        "domains", "results = yield",
        "return [[Domain(name=d.name, title='new') for d in result] for result in results]",
        options="(wrapper=True)",
    )  # fmt: skip
    registry = alone(legal=good("legal"), wrapper=wrapper)
    assert registry.domain("legal").title == "new"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (["1 / 0", "return (yield)"], "ZeroDivisionError: division by zero"),
        (["yield", "raise SystemExit(3)"], "SystemExit: 3"),
        (["yield", "return 5"], "TypeError: 'int' object is not iterable"),
        (["yield", "return [['x']]"], "TypeError: domainbert_domains yielded str, not a Domain"),
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
        c=command("second"),
        d=command("third", "raise SystemExit(4)"),
        e=command("never") + good("legal"),
        f=good("legal"),
    )
    app = typer.Typer()
    assert registry.register_commands(app) == [
        "plugin fake-b: domainbert_commands failed: ValueError: no luck",
        "plugin fake-d: domainbert_commands failed: SystemExit: 4",
    ]
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert names == ["first", "lost", "second", "third"]
