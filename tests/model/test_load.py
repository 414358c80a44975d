from __future__ import annotations

import hashlib
import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file

from domainbert.errors import BaseModelError
from domainbert.model.load import BaseFolder, find_base, load_masked_lm

pytestmark = pytest.mark.usefixtures("bare_environment")


@pytest.fixture
def base(tmp_path: Path, tiny_base: Path) -> Path:
    """A checkpoint of the test's own."""
    return shutil.copytree(tiny_base, tmp_path / "base")


def refused(source: str | Path, folder: Path = Path(), **how: str) -> str:
    with pytest.raises(BaseModelError) as caught:
        find_base(str(source), folder, **how)
    return str(caught.value)


def not_loaded(folder: Path) -> str:
    found = find_base(str(folder), Path())
    with pytest.raises(BaseModelError) as caught:
        load_masked_lm(found, 0)
    return str(caught.value)


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


class Trap:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def set_trap(path: Path, trap: Path) -> None:
    path.write_bytes(pickle.dumps(Trap(trap)))


# --- finding -----------------------------------------------------------------------------------


def test_a_local_folder_is_found_with_its_hash(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    expected = BaseFolder("./base", base.parent / "base", None, digest)
    assert find_base("./base", base.parent) == expected
    assert find_base("./base", base.parent, sha256=digest) == expected
    assert find_base("base", base.parent).folder == base


def test_a_folder_inside_a_package_is_found_without_importing_it(
    base: Path, shelf: Any, tmp_path: Path
) -> None:
    package = shelf.folder / "with_weights"
    package.mkdir()
    (package / "__init__.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    shutil.copytree(base, package / "model")
    found = find_base("package:with_weights/model", tmp_path)
    assert found.folder == package / "model"
    assert not (tmp_path / "ran").exists()


# --- safety ------------------------------------------------------------------------------------

PICKLES = ["pytorch_model.bin", "model.pt", "model.pth", "model.pkl", "model.ckpt"]


def test_code_of_a_base_or_its_tokenizer_never_runs(base: Path, tmp_path: Path) -> None:
    (base / "code.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    classes = {"AutoTokenizer": ["code.Tokenizer", "code.Tokenizer"]}
    change(base / "tokenizer_config.json", auto_map=classes, tokenizer_class="Tokenizer")
    loaded = load_masked_lm(find_base(str(base), Path()), 0)
    assert loaded.tokenizer.__module__.startswith("transformers.")
    change(base / "config.json", auto_map={"AutoModelForMaskedLM": "code.Model"})
    assert "config.json asks to run its own code (auto_map), which domainbert" in refused(base)
    assert not (tmp_path / "ran").exists()


# --- damaged checkpoints -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        *((path, "no such folder, and not a hub id.") for path in ("./none", "~/none", "a/b/c")),
        *((source, "") for source in ("~no-such-user/model", "some..model", "x.git")),
        (
            "package:no_such/model",
            "the Python package 'no_such' is not installed. Install what has ",
        ),
        ("package:pytest/..", "the package has no folder '..'."),
    ],
)
def test_a_base_that_is_nowhere_is_refused(
    source: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert refused(source, tmp_path).startswith(f"base {source!r}: {problem}")


@pytest.mark.parametrize("name", PICKLES)
def test_a_base_that_is_a_pickle_is_refused_unopened(name: str, base: Path, tmp_path: Path) -> None:
    set_trap(base / name, tmp_path / "ran")
    load_masked_lm(find_base(str(base), Path()), 0)  # beside safetensors it is not read
    (base / "model.safetensors").unlink()
    said = f"base {str(base)!r}: only {name} and no .safetensors. A pickle "
    assert refused(base).startswith(said)
    (base / name).unlink()
    assert refused(base) == f"base {str(base)!r}: {base} holds no .safetensors file."
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [None, b"[]", b"{}", b"\xff\xfe", b'{"a": ' + b"[" * 100_000])
def test_a_config_that_cannot_be_read_is_refused(content: bytes | None, base: Path) -> None:
    (base / "config.json").unlink()
    if content is not None:
        (base / "config.json").write_bytes(content)
    assert "config.json" in refused(base)


@pytest.mark.parametrize(
    ("key", "value"),
    [("attn_implementation", "owner/kernel"), ("_attn_implementation", {"": "owner/kernel"})],
)
def test_a_base_that_asks_for_a_kernel_of_the_hub_is_refused(
    key: str, value: Any, base: Path
) -> None:
    change(base / "config.json", **{key: value})
    assert refused(base) == f"base {str(base)!r}: config.json asks to fetch code ({key})."
    change(base / "config.json", **{key: "sdpa"})
    assert find_base(str(base), Path()).folder == base


@pytest.mark.parametrize(
    "values",
    [{"model_type": "gpt2"}, {"hidden_size": 33},
     {"hidden_act": "no-such-function"}, {"dtype": "no-such-type"}],
    ids=str,
)  # fmt: skip
def test_a_config_that_transformers_cannot_use_is_refused(
    values: dict[str, Any], base: Path
) -> None:
    change(base / "config.json", **values)
    message = not_loaded(base)
    assert str(base) in message
    assert "\n" not in message


def edit_weights(base: Path, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.numpy import load_file, save_file

    path = base / "model.safetensors"
    save_file(edit(load_file(path)), path, metadata={"format": "pt"})


def test_a_tokenizer_that_is_larger_than_the_model_is_refused(base: Path, tmp_path: Path) -> None:
    from domainbert.testing import tiny_checkpoint

    sizes = [len(json.loads((base / "tokenizer.json").read_text())["model"]["vocab"])]
    other = tiny_checkpoint(tmp_path / "other", words=[f"word{number}" for number in range(7)])
    sizes.append(len(json.loads((other / "tokenizer.json").read_text())["model"]["vocab"]))
    assert sizes[1] == sizes[0] + 7
    for path in other.glob("tokenizer*"):
        shutil.copy(path, base)
    assert not_loaded(base) == (
        f"base {str(base)!r}: the tokenizer has the id {sizes[1] - 1}, the model {sizes[0]} rows. "
        "Tokenizer and model do not belong together."
    )


def test_encoder_weights_that_are_missing_or_wrong_are_counted_and_one_is_named(base: Path) -> None:
    name = "bert.encoder.layer.0.output.dense.bias"
    for edit, problem in [
        (lambda w: w | {name: w[name][:-1]}, "1 encoder weights are missing or of another shape"),
        (lambda w: w | {name: w[name] * math.nan}, f"{name} holds values that are not finite"),
        (lambda w: {n: w[n] for n in w if n != name}, "1 encoder weights are missing or of an"),
    ]:
        whole = (base / "model.safetensors").read_bytes()
        edit_weights(base, edit)
        message = not_loaded(base)
        assert message.startswith(f"base {str(base)!r}: {problem}")
        assert name in message
        (base / "model.safetensors").write_bytes(whole)


# --- from a model hub --------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def test_weights_that_were_replaced_after_their_check_are_not_used(base: Path) -> None:
    found = find_base(str(base), Path())
    tensors = load_file(base / "model.safetensors")
    save_file(
        {k: v + 1e-3 for k, v in tensors.items()}, base / "model.safetensors", {"format": "pt"}
    )
    with pytest.raises(BaseModelError, match="its weights were replaced while it was used"):
        load_masked_lm(found, 0)


FIND = """
import json, sys
from pathlib import Path
from domainbert.model.load import find_base
from domainbert.errors import BaseModelError

try:
    found = find_base(sys.argv[1], Path(), sys.argv[2] or None)
    print(json.dumps([found.revision, found.sha256, str(found.folder)]))
except BaseModelError as error:
    print(json.dumps([error.exit_code, str(error)]))
"""


@pytest.fixture
def hub(file_server: Any, base: Path, tmp_path: Path) -> Any:
    """Stand in for the model hub with one repository, `someone/tiny`, that holds a pickle too."""
    set_trap(base / "pytorch_model.bin", tmp_path / "ran")
    files = {path.name: path.read_bytes() for path in base.iterdir()}

    def answer(request: Any) -> Any:
        path = request.path.partition("?")[0].removeprefix("/api/models")
        _, _, _, about, commit, *rest = (*path.split("/"), "", "", "")
        file = "/".join(rest).strip("/")
        if not path.startswith("/someone/tiny/"):
            return 401, {"X-Error-Code": "RepoNotFound"}, b'{"error": "not found"}'
        if commit not in {"main", "v1", COMMIT}:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b'{"error": "not found"}'
        if about == "revision":
            siblings = [{"rfilename": name} for name in files]
            body = {"id": "someone/tiny", "sha": COMMIT, "siblings": siblings}
            return 200, {}, json.dumps(body).encode()
        if about == "tree":
            sizes = {name: {"size": len(files[name]), "oid": oid(files[name])} for name in files}
            tree = [{"type": "file", "path": name, **sizes[name]} for name in files]
            return 200, {}, json.dumps(tree).encode()
        if file not in files:
            return 404, {"X-Error-Code": "EntryNotFound"}, b""
        return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{oid(files[file])}"'}, files[file]

    file_server.special = answer
    return file_server


def oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def find(hub: Any, python: Callable[..., Any], tmp_path: Path) -> Callable[..., list[Any]]:
    """Look for a base in another process, as the hub's address is read at import."""

    def call(source: str, revision: str = "", offline: str = "0") -> list[Any]:
        variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hub")}
        outcome = python("-c", FIND, source, revision, **variables, HF_HUB_OFFLINE=offline)
        assert outcome.code == 0, outcome.err
        return list(json.loads(outcome.out.splitlines()[-1]))

    return call


def test_a_hub_checkpoint_is_found_with_its_commit_and_without_its_pickle(
    hub: Any, find: Callable[..., list[Any]], base: Path
) -> None:
    digest = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    commit, sha256, folder = find("someone/tiny")
    assert (commit, sha256) == (COMMIT, digest)
    wanted = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in Path(folder).iterdir()} == wanted
    files = [r.path.rpartition("/")[2] for r in hub.requests if "/resolve/" in r.path]
    assert set(files) == wanted
    # A tag gives its commit.
    assert find("someone/tiny", "v1") == [COMMIT, digest, folder]
    # By its commit it is found again without a network.
    asked = len(hub.requests)
    assert find("someone/tiny", COMMIT, offline="1") == [COMMIT, digest, folder]
    assert len(hub.requests) == asked


@pytest.mark.parametrize(
    ("source", "revision", "offline"),
    [("someone/none", "", "0"), ("someone/tiny", "f" * 40, "0"), ("someone/tiny", "", "1")],
    ids=["repository", "revision", "offline"],
)
def test_a_base_that_the_hub_does_not_have_is_refused_with_the_way_out(
    source: str, revision: str, offline: str, hub: Any, find: Callable[..., list[Any]]
) -> None:
    code, message = find(source, revision, offline)
    assert code == 2
    assert message.startswith(f"base {source!r}: neither a local folder nor available from the ")
    assert message.endswith("folder or `package:…` (see `domainbert recipes list`).")
    assert not [request for request in hub.requests if "/resolve/" in request.path]


@pytest.fixture
def silent(hub: Any) -> Iterator[Any]:
    """The hub, which does not answer for the weights."""
    answer, end = hub.special, threading.Event()

    def wait(request: Any) -> Any:
        if "/resolve/" in request.path and request.path.endswith("model.safetensors"):
            end.wait(60)
        return answer(request)

    hub.special = wait
    yield hub
    end.set()


@pytest.mark.slow
def test_a_hub_that_sends_nothing_is_given_up(
    silent: Any, python: Callable[..., Any], tmp_path: Path
) -> None:
    code = f"import domainbert.storage.child as child; child.PATIENCE = 3\n{FIND}"
    variables = {"HF_ENDPOINT": silent.address, "HF_HOME": str(tmp_path / "hub")}
    outcome = python("-c", code, "someone/tiny", "", **variables, HF_HUB_OFFLINE="0")
    assert json.loads(outcome.out.splitlines()[-1])[0] == 2
    assert "nothing arrived in 3 seconds" in outcome.out


@pytest.mark.slow
def test_a_signal_ends_a_download_from_a_silent_hub(silent: Any, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("One line.\n" * 9)
    recipe = tmp_path / "r.yaml"
    recipe.write_text("base: someone/tiny\ncorpus: [{path: text.txt}]\ntrain: {steps: 1}\n")
    variables = {"HF_ENDPOINT": silent.address, "HF_HOME": str(tmp_path / "hub")}
    process = subprocess.Popen(
        [sys.executable, "-m", "domainbert", "adapt", str(recipe), "--out", str(tmp_path / "run")],
        env={**os.environ, **variables, "HF_HUB_OFFLINE": "0"}, stderr=subprocess.PIPE,
    )  # fmt: skip
    while not any(request.path.endswith("model.safetensors") for request in silent.requests):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[1].decode()
    assert (process.returncode, "Stopped by SIGTERM" in said) == (75, True), said
