"""A real S3-compatible server on loopback: moto's, one request at a time, so that a conditional PUT is one step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from s3fs import S3FileSystem
from werkzeug.serving import make_server

from pairgen import places

BUCKET = "pairs"
UNANSWERED: set[str] = set()  # paths whose next PUT is done, and answered by 503
_KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


class _Quiet(MotoRequestHandler):
    def log_request(self, *_: object) -> None: ...


@contextmanager
def serve_s3() -> Iterator[dict[str, str]]:
    """The environment in which s3://pairs/... is on the server."""
    app, turn = DomainDispatcherApplication(create_backend_app), threading.Lock()

    def one_at_a_time(environ: Any, start_response: Any) -> Any:
        with turn:
            if environ["REQUEST_METHOD"] == "PUT" and environ["PATH_INFO"] in UNANSWERED:
                UNANSWERED.remove(environ["PATH_INFO"])
                b"".join(app(environ, lambda *_: None))
                start_response("503 Service Unavailable", [("Content-Length", "0")])
                return []
            return app(environ, start_response)

    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"
        client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **_KEYS)
        client.create_bucket(Bucket=BUCKET)
        client.close()
        keys = {name.upper(): key for name, key in _KEYS.items()}
        yield {**keys, "AWS_ENDPOINT_URL": address, "AWS_DEFAULT_REGION": "us-east-1"}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        S3FileSystem.clear_instance_cache()  # the next server has another port
        places._opened.cache_clear()
