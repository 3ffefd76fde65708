"""A provider's HTTP interface in a thread, as Resend and Postmark speak: keeps what it accepted, remembers idempotency keys."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Provider:
    """`answers`: status codes to give instead of 200, used up one by one; "keep and drop" accepts and hangs up, "drop" only hangs up."""

    def __init__(self):
        self.mails, self.answers, self.remembered, self.requests = [], [], {}, 0

    def take(self, handler, body: dict) -> None:
        self.requests += 1
        answer = self.answers.pop(0) if self.answers else 200
        if answer == "drop":
            handler.close_connection = True
            handler.connection.close()
            return
        if isinstance(answer, int) and answer != 200:
            handler.answer(answer, {"message": "no", "name": "refused"})
            return
        key = handler.headers.get("Idempotency-Key")
        if key is None or key not in self.remembered:
            self.mails.append(body)
            number = f"provider-{len(self.mails)}"
            self.remembered[key] = number
        if answer == "keep and drop":
            handler.close_connection = True
            handler.connection.close()
            return
        number = self.remembered[key]
        handler.answer(
            200, {"id": number, "MessageID": number, "ErrorCode": 0, "Message": "OK", "To": body.get("To", "")}
        )


@contextlib.contextmanager
def running_provider():
    """(provider, the address of its interface)."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            length = int(self.headers.get("Content-Length", 0))
            provider.take(self, json.loads(self.rfile.read(length)))

        def answer(self, status, body):
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider, f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
