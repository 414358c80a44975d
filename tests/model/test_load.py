from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from domainbert.errors import BaseModelError
from domainbert.model.load import BaseFolder, find_base, load_masked_lm, longest_sequence

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


def test_a_local_folder_is_found_with_its_hash_and_another_hash_refused(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    expected = BaseFolder("./base", base.parent / "base", None, digest)
    assert find_base("./base", base.parent) == expected
    assert find_base("./base", base.parent, sha256=digest) == expected
    assert find_base("base", base.parent).folder == base
    monkeypatch.setenv("HOME", str(base.parent))
    for source in (str(base), "~/base"):
        assert find_base(source, Path("elsewhere")).folder == base
    assert refused(base, sha256="a" * 64) == (
        f"base {str(base)!r}: model.safetensors has sha256 {digest}, the recipe expects "
        f"{'a' * 64}. It is another model or a damaged file."
    )


def test_several_shards_have_one_hash_of_their_names_and_contents(base: Path) -> None:
    weights = base / "model.safetensors"
    single = find_base(str(base), Path()).sha256
    lines = "".join(f"{name}.safetensors {single}\n" for name in ("a", "b"))
    shutil.copy(weights, base / "a.safetensors")
    weights.rename(base / "b.safetensors")
    assert find_base(str(base), Path()).sha256 == hashlib.sha256(lines.encode()).hexdigest()


NO_FOLDER = "no such folder, and not a hub id."


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        *(
            (source, NO_FOLDER)
            for source in ("./none", "/no/such/folder", "~/none", "a/b/c", "a b")
        ),
        *((source, "") for source in ("~no-such-user/model", "some..model", "a--b/c", "x.git")),
        (
            "package:no_such_package/model",
            "the Python package 'no_such_package' is not installed. `pip install no-such-package` ",
        ),
    ],
)
def test_a_base_that_is_nowhere_is_refused(
    source: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert refused(source, tmp_path).startswith(f"base {source!r}: {problem}")


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


@pytest.mark.parametrize("inside", ["none", "../with_weights", "..", "/etc"])
def test_a_package_has_only_the_folders_inside_it(inside: str, shelf: Any) -> None:
    (shelf.folder / "with_weights").mkdir()
    (shelf.folder / "with_weights" / "__init__.py").write_text("")
    assert refused(f"package:with_weights/{inside}") == (
        f"base 'package:with_weights/{inside}': the package has no folder {inside!r}."
    )


# --- safety ------------------------------------------------------------------------------------

PICKLES = ["pytorch_model.bin", "model.pt", "model.pth", "model.pkl", "model.ckpt"]


@pytest.mark.parametrize("name", PICKLES)
def test_a_base_that_is_a_pickle_is_refused_unopened(name: str, base: Path, tmp_path: Path) -> None:
    (base / "model.safetensors").unlink()
    assert refused(base) == f"base {str(base)!r}: {base} holds no .safetensors file."
    set_trap(base / name, tmp_path / "ran")
    assert refused(base) == (
        f"base {str(base)!r}: only {name} and no .safetensors. Such a file is a pickle, which can "
        "run code when it is opened. Convert it on a machine you can lose, or ask the publisher "
        "for safetensors."
    )
    assert not (tmp_path / "ran").exists()


def test_pickles_beside_safetensors_are_never_opened(base: Path, tmp_path: Path) -> None:
    for name in (*PICKLES, "training_args.bin", "optimizer.pt"):
        set_trap(base / name, tmp_path / "ran")
    loaded = load_masked_lm(find_base(str(base), Path()), 0)
    assert type(loaded.model).__name__ == "BertForMaskedLM"
    assert not (tmp_path / "ran").exists()


def test_code_of_a_base_or_its_tokenizer_never_runs(base: Path, tmp_path: Path) -> None:
    (base / "code.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    classes = {"AutoTokenizer": ["code.Tokenizer", "code.Tokenizer"]}
    change(base / "tokenizer_config.json", auto_map=classes, tokenizer_class="Tokenizer")
    loaded = load_masked_lm(find_base(str(base), Path()), 0)
    assert loaded.tokenizer.__module__.startswith("transformers.")
    change(base / "config.json", auto_map={"AutoModelForMaskedLM": "code.Model"})
    assert refused(base) == (
        f"base {str(base)!r}: config.json asks to run code of its own (auto_map), which domainbert "
        "never does. Use a model that transformers knows."
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "key", ["attn_implementation", "_attn_implementation", "_attn_implementation_internal"]
)
@pytest.mark.parametrize(
    "value",
    ["owner/kernel", "paged|owner/kernel", "owner/kernel@main:f", {"": "owner/kernel"}],
    ids=str,
)
def test_a_base_that_asks_for_a_kernel_of_the_hub_is_refused(
    key: str, value: Any, base: Path
) -> None:
    change(base / "config.json", **{key: value})
    assert refused(base) == f"base {str(base)!r}: config.json asks to fetch code ({key})."
    change(base / "config.json", **{key: "sdpa"})
    assert find_base(str(base), Path()).folder == base


# --- damaged checkpoints -----------------------------------------------------------------------


CONFIGS = [None, b"", b"[]", b"{}", b'"bert"', b"\xff\xfe", b'{"deep": ' + b"[" * 100_000]


@pytest.mark.parametrize("content", CONFIGS, ids=range(len(CONFIGS)))
def test_a_config_that_cannot_be_read_is_refused(content: bytes | None, base: Path) -> None:
    (base / "config.json").unlink()
    if content is not None:
        (base / "config.json").write_bytes(content)
    assert "config.json" in refused(base)


@pytest.mark.parametrize(
    "values",
    [
        {"model_type": "no-such-type"},
        {"model_type": "gpt2"},
        {"model_type": ["bert"]},
        {"hidden_size": "many"},
        {"hidden_size": 33},
        {"hidden_size": 0},
        {"hidden_act": "no-such-function"},
        {"dtype": "no-such-type"},
        {"attn_implementation": "no-such-implementation"},
    ],
    ids=str,
)
def test_a_config_that_transformers_cannot_use_is_refused(
    values: dict[str, Any], base: Path
) -> None:
    change(base / "config.json", **values)
    message = not_loaded(base)
    assert str(base) in message
    assert "\n" not in message


@pytest.mark.parametrize("kept", [0, 5, -1])
def test_weights_that_were_cut_short_are_refused(kept: int, base: Path) -> None:
    weights = base / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:kept])
    assert not_loaded(base).startswith(f"base {str(base)!r}: cannot be loaded: ")


def edit_weights(base: Path, edit: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    from safetensors.numpy import load_file, save_file

    path = base / "model.safetensors"
    save_file(edit(load_file(path)), path, metadata={"format": "pt"})


def test_missing_encoder_weights_are_counted_and_one_is_named(base: Path) -> None:
    edit_weights(base, lambda w: {name: w[name] for name in w if "encoder.layer.1." not in name})
    message = not_loaded(base)
    assert message == (
        f"base {str(base)!r}: 16 encoder weights are missing or of another shape, such as "
        "bert.encoder.layer.1.attention.output.LayerNorm.bias. The checkpoint is incomplete or of "
        "another architecture."
    )


def test_weights_of_another_shape_or_not_finite_are_refused(base: Path) -> None:
    name = "bert.encoder.layer.0.output.dense.weight"
    edit_weights(base, lambda w: {**w, name: w[name] * float("nan")})
    assert not_loaded(base) == f"base {str(base)!r}: {name} holds values that are not finite."
    edit_weights(base, lambda w: {**w, name: w[name][:, :-1].copy()})
    assert "1 encoder weights are missing or of another shape" in not_loaded(base)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_damaged_tokenizer_is_refused(name: str, base: Path) -> None:
    for content in ("", "{", "[]"):
        (base / name).write_text(content)
        assert str(base) in not_loaded(base)


def test_a_tokenizer_that_is_larger_than_the_model_is_refused(base: Path, tmp_path: Path) -> None:
    from domainbert.testing import tiny_checkpoint

    sizes = [len(json.loads((base / "tokenizer.json").read_text())["model"]["vocab"])]
    other = tiny_checkpoint(tmp_path / "other", words=[f"word{number}" for number in range(7)])
    sizes.append(len(json.loads((other / "tokenizer.json").read_text())["model"]["vocab"]))
    assert sizes[1] == sizes[0] + 7
    for path in other.glob("tokenizer*"):
        shutil.copy(path, base)
    assert not_loaded(base) == (
        f"base {str(base)!r}: the tokenizer has {sizes[1]} entries, the model {sizes[0]}. They do "
        "not belong together."
    )


def test_a_tokenizer_without_mask_token_is_refused(base: Path) -> None:
    change(base / "tokenizer_config.json", mask_token=None)
    assert "has no mask token" in not_loaded(base)


# --- loading -----------------------------------------------------------------------------------


def test_a_trained_head_is_kept_and_weights_are_those_of_the_file(base: Path) -> None:
    import torch
    from safetensors.torch import load_file

    loaded = load_masked_lm(find_base(str(base), Path()), 0)
    assert loaded.new_head is False
    state = loaded.model.state_dict()
    saved = load_file(base / "model.safetensors")
    assert {name for name in saved if not torch.equal(state[name], saved[name])} == set()
    assert {value.dtype for value in state.values() if value.is_floating_point()} == {torch.float32}


def test_a_new_head_depends_on_the_seed_alone(tmp_path: Path) -> None:
    import torch

    from domainbert.testing import tiny_checkpoint

    found = find_base(str(tiny_checkpoint(tmp_path / "encoder", with_head=False)), Path())
    loads = [load_masked_lm(found, seed) for seed in (1, 1, 2)]
    assert [loaded.new_head for loaded in loads] == [True] * 3
    first, again, other = (loaded.model.state_dict() for loaded in loads)
    assert {name for name in first if not torch.equal(first[name], again[name])} == set()
    changed = {name for name in first if not torch.equal(first[name], other[name])}
    assert changed == {"cls.predictions.transform.dense.weight"}


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_the_longest_sequence_leaves_out_positions_before_the_padding(
    family: str, tmp_path: Path
) -> None:
    from domainbert.testing import MAX_LENGTH, tiny_checkpoint

    found = find_base(str(tiny_checkpoint(tmp_path / family, family)), Path())
    assert longest_sequence(load_masked_lm(found, 0).model) == MAX_LENGTH


# --- from a model hub --------------------------------------------------------------------------

COMMIT = "0123456789abcdef0123456789abcdef01234567"

FIND = """
import json, sys
from pathlib import Path
from domainbert.model.load import find_base
from domainbert.errors import BaseModelError

source, revision = sys.argv[1:]
try:
    found = find_base(source, Path(), revision or None)
    told = {"commit": found.revision, "sha256": found.sha256, "folder": str(found.folder)}
except BaseModelError as error:
    told = {"error": str(error), "exit": error.exit_code}
print(json.dumps(told))
"""


@pytest.fixture
def hub(file_server: Any, base: Path, tmp_path: Path) -> Any:
    """Stand in for the model hub with one repository, `someone/tiny`, that holds a pickle too."""
    set_trap(base / "pytorch_model.bin", tmp_path / "ran")
    (base / "README.md").write_text("a card")
    files = {path.name: path.read_bytes() for path in base.iterdir()}
    known = {"main", COMMIT}

    def answer(request: Any) -> tuple[int, dict[str, str], bytes]:
        path = request.path.partition("?")[0]
        about, _, rest = (
            path.removeprefix("/api/models").removeprefix("/someone/tiny").strip("/").partition("/")
        )
        told = {"Content-Type": "application/json", "X-Repo-Commit": COMMIT}
        if not path.removeprefix("/api/models").startswith("/someone/tiny/"):
            return 401, {**told, "X-Error-Code": "RepoNotFound"}, b'{"error": "not found"}'
        if rest.partition("/")[0] not in known:
            return 404, {**told, "X-Error-Code": "RevisionNotFound"}, b'{"error": "not found"}'
        if about == "revision":
            siblings = [{"rfilename": name} for name in files]
            body = {"id": "someone/tiny", "sha": COMMIT, "siblings": siblings}
            return 200, told, json.dumps(body).encode()
        if about == "tree":
            tree = [
                {"type": "file", "path": name, "size": len(content), "oid": oid(content)}
                for name, content in files.items()
            ]
            return 200, told, json.dumps(tree).encode()
        name = rest.partition("/")[2]
        if about != "resolve" or name not in files:
            return 404, {**told, "X-Error-Code": "EntryNotFound"}, b""
        content = files[name]
        return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{oid(content)}"'}, content

    file_server.special = answer
    return file_server


def oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@pytest.fixture
def find(hub: Any, python: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Look for a base in a process of its own, as the hub's address is read at import."""

    def call(source: str, revision: str = "", **variables: str) -> dict[str, Any]:
        variables = {"HF_ENDPOINT": hub.address, "HF_HOME": str(tmp_path / "hub"), **variables}
        outcome = python("-c", FIND, source, revision, **variables)
        assert outcome.code == 0, outcome.err
        return dict(json.loads(outcome.out.splitlines()[-1]))

    return call


def fetched(hub: Any) -> set[str]:
    return {
        request.path.rpartition("/")[2] for request in hub.requests if "/resolve/" in request.path
    }


WANTED = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_a_hub_checkpoint_is_loaded_its_commit_recorded_and_no_pickle_asked_for(
    hub: Any, find: Callable[..., dict[str, Any]], base: Path, tmp_path: Path
) -> None:
    found = find("someone/tiny")
    digest = hashlib.sha256((base / "model.safetensors").read_bytes()).hexdigest()
    assert (found["commit"], found["sha256"]) == (COMMIT, digest)
    folder = Path(found["folder"])
    assert {path.name for path in folder.iterdir()} == WANTED
    loaded = load_masked_lm(BaseFolder("someone/tiny", folder, COMMIT, digest), 0)
    assert loaded.new_head is False
    assert len(loaded.tokenizer) == loaded.model.config.vocab_size
    assert fetched(hub) == WANTED
    assert not (tmp_path / "ran").exists()


def test_a_commit_is_asked_for_by_name_and_found_again_without_a_network(
    hub: Any, find: Callable[..., dict[str, Any]]
) -> None:
    found = find("someone/tiny", COMMIT)
    assert found["commit"] == COMMIT
    assert {request.path for request in hub.requests if "/revision/main" in request.path} == set()
    asked = len(hub.requests)
    assert find("someone/tiny", COMMIT, HF_HUB_OFFLINE="1") == found
    assert len(hub.requests) == asked


@pytest.mark.parametrize(
    ("source", "revision", "offline"),
    [
        ("someone/none", "", "0"),
        ("none", "", "0"),
        ("someone/tiny", "f" * 40, "0"),
        ("someone/tiny", "", "1"),
    ],
    ids=["repository", "short-name", "revision", "offline"],
)
def test_what_the_hub_does_not_have_is_refused_with_the_way_out(
    source: str, revision: str, offline: str, hub: Any, find: Callable[..., dict[str, Any]]
) -> None:
    found = find(source, revision, HF_HUB_OFFLINE=offline)
    assert found["exit"] == 2
    assert found["error"].startswith(
        f"base {source!r}: neither a local folder nor available from the model hub: "
    )
    assert found["error"].endswith(
        "Without a network, name a folder or `package:…` (see `domainbert recipes list`)."
    )
    assert fetched(hub) == set()


def test_a_hub_checkpoint_that_is_only_a_pickle_is_refused_and_not_downloaded(
    hub: Any, find: Callable[..., dict[str, Any]], base: Path
) -> None:
    plain = hub.special

    def without_weights(request: Any) -> Any:
        status, headers, body = plain(request)
        if "/tree/" in request.path:
            tree = [item for item in json.loads(body) if item["path"] != "model.safetensors"]
            body = json.dumps(tree).encode()
        return status, headers, body

    hub.special = without_weights
    found = find("someone/tiny")
    assert found["exit"] == 2
    assert found["error"].endswith(" holds no .safetensors file.")
    assert "pytorch_model.bin" not in fetched(hub)
