"""A stand-in for the hub with small data sets, on 127.0.0.1."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CARD = b"---\nlicense: mit\n---\n# Reviews, made up\n"


def parquet(first: int, count: int) -> bytes:
    """Return reviews as a Parquet file with class names, as `datasets` writes it."""
    from datasets import ClassLabel, Dataset, Features, Value

    kinds = {
        "body": Value("string"),
        "doc": Value("string"),
        "stars": ClassLabel(names=["bad", "good"]),
    }
    numbers = range(first, first + count)
    rows = {
        "body": [f"Review {n} of the pump" for n in numbers],
        "doc": [f"d{n // 3}" for n in numbers],
        "stars": [n % 2 for n in numbers],
    }
    made = io.BytesIO()
    Dataset.from_dict(rows, features=Features(kinds)).to_parquet(made)
    return made.getvalue()


@pytest.fixture
def data_hub(file_server: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Stand in for the hub with the data sets `org/reviews`, `org/gated` and `org/script`."""
    files = {
        "org/reviews": {
            "README.md": CARD,
            "data/train-00000-of-00001.parquet": parquet(0, 60),
            "data/test-00000-of-00001.parquet": parquet(60, 12),
        },
        "org/script": {"script.py": b"raise SystemExit('code of a data set ran')\n"},
    }

    def answer(request: Any) -> Any:
        path = request.path.partition("?")[0]
        for start in ("/api/datasets/", "/datasets/"):
            parts = path.removeprefix(start).split("/")
            name = "/".join(parts[:2])
            if path.startswith(start) and name == "org/gated":
                return 403, {"X-Error-Code": "GatedRepo"}, b'{"error": "gated"}'
            if path.startswith(start) and name in files:
                return _answer(request, files[name], name, parts[2:])
        return 401, {"X-Error-Code": "RepoNotFound"}, b'{"error": "not found"}'

    file_server.special = answer
    for key, value in {
        "HF_ENDPOINT": file_server.address, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "0",
        "DOMAINBERT_CACHE": str(tmp_path / "cache"),
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    return file_server


TOKEN = "hf_" + "x" * 30


@dataclass
class ModelHub:
    """A stand-in for the hub of models: names, commits, downloads.

    Args:
        address: Of the server.
        files: Content of each repository by path.
        private: Whether each is.
        fails: Answers every commit with an error.
    """

    address: str = ""
    files: dict[str, dict[str, bytes]] = field(default_factory=dict)
    private: dict[str, bool] = field(default_factory=dict)
    fails: bool = False

    def answer(self, request: Any) -> Any:
        path = request.path.partition("?")[0]
        if path == "/api/whoami-v2":
            headers = {key.lower(): value for key, value in request.headers.items()}
            known = headers.get("authorization", "") == f"Bearer {TOKEN}"
            return (200, {}, b'{"name": "me", "type": "user"}') if known else (401, {}, b"{}")
        if path == "/api/validate-yaml":
            return 200, {}, b'{"errors": [], "warnings": []}'
        if path == "/api/repos/create":
            return self._create(json.loads(request.body))
        return self._of_repository(path, request)

    def _of_repository(self, path: str, request: Any) -> Any:
        parts = path.removeprefix("/api/models/").strip("/").split("/")
        name, rest = "/".join(parts[:2]), parts[2:]
        if name not in self.files:
            return 404, {"X-Error-Code": "RepoNotFound"}, b'{"error": "not found"}'
        if rest[:1] == ["preupload"]:
            asked = json.loads(request.body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in asked
            ]
            return 200, {}, json.dumps({"files": modes}).encode()
        if rest[:1] == ["commit"]:
            return self._commit(name, request.body)
        return _answer(request, self.files[name], name, rest, self.private.get(name, False))

    def _create(self, asked: dict[str, Any]) -> Any:
        name = f"{asked.get('organization') or 'me'}/{asked['name']}"
        if name in self.files:
            return 409, {}, json.dumps({"url": f"{self.address}/{name}"}).encode()
        self.files[name] = {".gitattributes": b""}
        self.private[name] = asked.get("private") or asked.get("visibility") == "private"
        return 200, {}, json.dumps({"url": f"{self.address}/{name}"}).encode()

    def _commit(self, name: str, body: bytes) -> Any:
        if self.fails:
            return 400, {}, b'{"error": "the quota is used up"}'
        for line in body.splitlines():
            entry = json.loads(line)
            if entry["key"] == "file":
                value = entry["value"]
                self.files[name][value["path"]] = base64.b64decode(value["content"])
        done = {
            "success": True,
            "commitOid": COMMIT,
            "commitUrl": f"{self.address}/{name}/commit/{COMMIT}",
        }
        return 200, {}, json.dumps(done).encode()


@pytest.fixture
def model_hub(file_server: Any) -> ModelHub:
    """Stand in for the hub of models, with `me` logged in by `TOKEN`."""
    hub = ModelHub(file_server.address)
    file_server.special = hub.answer
    return hub


def _answer(
    request: Any, files: dict[str, bytes], name: str, parts: list[str], private: bool = False
) -> Any:
    what, commit, *rest = (*parts, "", "")
    file = "/".join(rest).strip("/")
    if what == "revision" and commit not in {"main", COMMIT}:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b'{"error": "not found"}'
    if what in {"", "revision"}:
        siblings = [{"rfilename": item} for item in files]
        body = {"id": name, "sha": COMMIT, "siblings": siblings, "tags": [], "private": private}
        return 200, {}, json.dumps(body).encode()
    if what == "tree":
        return 200, {}, json.dumps(_tree(files, file)).encode()
    if file not in files:
        return 404, {"X-Error-Code": "EntryNotFound"}, b""
    content = files[file]
    headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{_oid(content)}"'}
    asked = request.headers.get("Range") or request.headers.get("range")
    if asked is None:
        return 200, headers, content
    first, _, last = asked.removeprefix("bytes=").partition("-")
    stop = int(last) + 1 if last else len(content)
    headers["Content-Range"] = f"bytes {first}-{stop - 1}/{len(content)}"
    return 206, headers, content[int(first) : stop]


def _tree(files: dict[str, bytes], folder: str) -> list[dict[str, Any]]:
    inside = {name for name in files if not folder or name.startswith(f"{folder}/")}
    tree: list[dict[str, Any]] = [
        {"type": "file", "path": name, "size": len(files[name]), "oid": _oid(files[name])}
        for name in sorted(inside)
    ]
    if not folder:
        folders = {name.partition("/")[0] for name in inside if "/" in name}
        tree += [{"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in folders]
    return tree


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
