"""A local stand-in for the Hugging Face hub: as much of its HTTP interface as data set repositories with tags need."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

TOKEN = "hf_standin"


class Hub:
    """What the hub holds: the commits of each repository (a dict from path to bytes), its branch and its tags."""

    def __init__(self) -> None:
        self.address = ""
        self.repos: dict[str, dict[str, Any]] = {}
        self.large: dict[str, bytes] = {}  # by sha256, as git-lfs has them
        self.unknown: list[str] = []  # what was asked for and is not here: the tests look
        self.lock = threading.Lock()

    def files(self, repo: str, revision: str = "main") -> dict[str, bytes]:
        found = self.repos[repo]
        commit = found["main"] if revision == "main" else found["tags"].get(revision, revision)
        files: dict[str, bytes] = found["commits"][commit]
        return files

    def commit(self, repo: str, files: dict[str, bytes]) -> str:
        named = json.dumps({name: hashlib.sha256(raw).hexdigest() for name, raw in sorted(files.items())})
        commit = hashlib.sha1(named.encode()).hexdigest()
        self.repos[repo]["commits"][commit] = files
        self.repos[repo]["main"] = commit
        return commit

    def make(self, repo: str) -> None:
        self.repos[repo] = {"commits": {}, "tags": {}}
        self.commit(repo, {".gitattributes": b"*.parquet filter=lfs\n"})


def _size(raw: bytes) -> dict[str, Any]:
    return {"size": len(raw), "oid": hashlib.sha1(raw).hexdigest()}


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None: ...

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path).strip("/")
        with self.hub.lock:
            self._answer(path.split("/"), body)

    def _answer(self, parts: list[str], body: bytes) -> None:
        hub = self.hub
        writes = self.command == "POST" or self.command == "PUT"
        if writes and parts[0] != "lfs" and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self._json({"error": "Invalid username or password."}, 401)
        match parts:
            case ["api", "repos", "create"]:
                asked = json.loads(body)
                repo = "/".join(part for part in (asked.get("organization"), asked["name"]) if part)
                url = f"{hub.address}/datasets/{repo}"
                if repo in hub.repos:
                    return self._json({"error": "You already created this dataset repo", "url": url}, 409)
                hub.make(repo)
                hub.repos[repo]["private"] = asked.get("private", asked.get("visibility") == "private")
                return self._json({"url": url, "id": repo, "name": repo})
            case ["api", "validate-yaml"]:
                return self._json({"errors": [], "warnings": []})
            case ["api", "agent-harnesses"]:
                return self._json({"standardEnvVars": [], "harnesses": {}})
            case ["lfs", oid]:
                if hashlib.sha256(body).hexdigest() != oid:
                    return self._json({"error": "other bytes"}, 400)
                hub.large[oid] = body
                return self._json({})
            case ["datasets", owner, name, "info", "lfs", "objects", "batch"]:
                objects = [
                    {**each, "actions": {"upload": {"href": f"{hub.address}/lfs/{each['oid']}", "header": {}}}}
                    for each in json.loads(body)["objects"]
                ]
                return self._json({"transfer": "basic", "objects": objects})
            case ["api", "datasets", owner, name, *rest] | ["datasets", owner, name, *rest]:
                repo = f"{owner}/{name}"
                if repo not in hub.repos:
                    return self._json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
                return self._answer_about(repo, rest, body)
        hub.unknown.append(f"{self.command} {self.path}")
        return self._json({"error": "unknown"}, 404)

    def _answer_about(self, repo: str, rest: list[str], body: bytes) -> None:
        hub, found = self.hub, self.hub.repos[repo]
        known = {"main": found["main"], **found["tags"], **{commit: commit for commit in found["commits"]}}
        if rest and rest[0] in {"revision", "tree", "resolve", "preupload", "commit", "tag"} and rest[1] not in known:
            return self._json({"error": "Invalid rev id"}, 404, {"X-Error-Code": "RevisionNotFound"})
        match rest:
            case [] | ["revision", _]:
                commit = known[rest[1] if rest else "main"]
                files = [{"rfilename": path, **_size(raw)} for path, raw in found["commits"][commit].items()]
                return self._json({"id": repo, "sha": commit, "siblings": files, "tags": [], "downloads": 0})
            case ["tree", revision, *_]:
                files = hub.files(repo, known[revision])
                return self._json([{"type": "file", "path": path, **_size(raw)} for path, raw in files.items()])
            case ["refs"]:
                tags = [
                    {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": commit}
                    for tag, commit in found["tags"].items()
                ]
                main = {"name": "main", "ref": "refs/heads/main", "targetCommit": found["main"]}
                return self._json({"branches": [main], "converts": [], "tags": tags})
            case ["preupload", _]:
                files = hub.files(repo)
                modes = [
                    {
                        "path": each["path"],
                        "uploadMode": "lfs" if each["path"].endswith(".parquet") else "regular",
                        "shouldIgnore": False,
                        "oid": None,
                    }
                    for each in json.loads(body)["files"]
                ]
                return self._json({"files": modes})
            case ["commit", "main"]:
                files = dict(hub.files(repo))
                for line in map(json.loads, body.splitlines()):
                    entry = line["value"]
                    if line["key"] == "file":
                        files[entry["path"]] = base64.b64decode(entry["content"])
                    elif line["key"] == "lfsFile":
                        files[entry["path"]] = hub.large[entry["oid"]]
                    elif line["key"] == "deletedFile":
                        del files[entry["path"]]
                commit = hub.commit(repo, files)
                url = f"{hub.address}/datasets/{repo}/commit/{commit}"
                return self._json({"success": True, "commitOid": commit, "commitUrl": url})
            case ["tag", revision]:
                tag = json.loads(body)["tag"]
                if tag in found["tags"]:
                    return self._json({"error": "Tag already exists"}, 409)
                found["tags"][tag] = known[revision]
                return self._json({})
            case ["resolve", revision, *path]:
                commit = known[revision]
                raw = hub.files(repo, commit).get("/".join(path))
                if raw is None:
                    return self._json({"error": "no entry"}, 404, {"X-Error-Code": "EntryNotFound"})
                etag = hashlib.sha256(raw).hexdigest()
                return self._send(raw, 200, {"ETag": f'"{etag}"', "X-Repo-Commit": commit})
        hub.unknown.append(f"{self.command} {self.path}")
        return self._json({"error": "unknown"}, 404)

    def _json(self, content: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        error = content.get("error") if isinstance(content, dict) else None
        told = {"X-Error-Message": error} if error else {}
        self._send(
            json.dumps(content).encode(), status, {"Content-Type": "application/json", **told, **(headers or {})}
        )

    def _send(self, raw: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, setting in {**headers, "Content-Length": str(len(raw))}.items():
            self.send_header(name, setting)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A hub without repositories, which takes writes with `TOKEN`."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
