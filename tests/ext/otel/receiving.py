"""Real receivers of OpenTelemetry's protocol: a server that decodes what it is sent, and a collector before it."""

import gzip
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, ScopeMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ScopeSpans, Span

from tests.watchdog import PATIENCE

HOST: Final = "127.0.0.1"


class Receiver:
    """What has come so far, as it was decoded."""

    def __init__(self, port: int) -> None:
        self.url: Final = f"http://{HOST}:{port}"
        self.scopes_of_spans: Final[list[ScopeSpans]] = []
        self.scopes_of_metrics: Final[list[ScopeMetrics]] = []
        self._came: Final = threading.Condition()

    @property
    def spans(self) -> list[Span]:
        """The spans, in the order in which they began."""
        found = [span for scope in self.scopes_of_spans for span in scope.spans]
        return sorted(found, key=lambda span: span.start_time_unix_nano)

    @property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by their names."""
        return {metric.name: metric for scope in self.scopes_of_metrics for metric in scope.metrics}

    def take(self, path: str, body: bytes) -> bytes:
        """Keep the body of a request; return that of the response."""
        with self._came:
            self._came.notify_all()
            if path == "/v1/traces":
                for spans in ExportTraceServiceRequest.FromString(body).resource_spans:
                    self.scopes_of_spans.extend(spans.scope_spans)
                return bytes(ExportTraceServiceResponse().SerializeToString())
            assert path == "/v1/metrics", path
            for metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.scopes_of_metrics.extend(metrics.scope_metrics)
            return bytes(ExportMetricsServiceResponse().SerializeToString())

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until enough has come."""
        with self._came:
            assert self._came.wait_for(condition, PATIENCE), [span.name for span in self.spans]


@contextmanager
def receiving() -> Generator[Receiver]:
    """Run a server on loopback that decodes OTLP over HTTP."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            reply = receiver.take(self.path, body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        receiver = Receiver(server.server_address[1])
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            serving.join()


def collector_program() -> Path | None:
    """The program of the collector that `scripts/setup_collector` installs; None if there is none."""
    package = find_spec("rotel")
    return None if package is None or package.origin is None else Path(package.origin).with_name("rotel-agent")


@contextmanager
def collecting(program: Path, receiver: Receiver) -> Generator[str]:
    """Run a collector that hands all it is sent on to a receiver; yield the URL of its own receiver."""
    grpc, http = free_port(), free_port()
    options = {
        "otlp-grpc-endpoint": f"{HOST}:{grpc}",
        "otlp-http-endpoint": f"{HOST}:{http}",
        "exporter": "otlp",
        "otlp-exporter-protocol": "http",
        "otlp-exporter-endpoint": receiver.url,
    }
    command = [str(program), "start", *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={})
    try:
        until_open(http, process)
        yield f"http://{HOST}:{http}"
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.create_server((HOST, 0)) as server:
        port: int = server.getsockname()[1]
        return port


def until_open(port: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until a process listens; the watchdog ends what waits for ever."""
    while True:
        assert process.poll() is None, process.communicate()[0]
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return


def plain(value: AnyValue) -> object:
    """Return the value of an attribute as Python's."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(each) for each in value.array_value.values]
    return None if kind is None else getattr(value, kind)


def attributes(span: Span) -> dict[str, object]:
    return {each.key: plain(each.value) for each in span.attributes}
