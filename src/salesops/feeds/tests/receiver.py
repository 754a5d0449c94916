"""A server that receives webhooks as it is told to: with a status, late, by drops, or by a redirect."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


@dataclass
class Receiver:
    """What arrived, and how the next ones are answered.

    Attributes:
        answers: a status each; the last one stays. ``hang`` and ``drip`` never end by themselves.
        got: path, headers and body of every message.
    """

    url: str = ""
    answers: list[int | str] = field(default_factory=lambda: [200])
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def ids(self) -> list[str]:
        """Event ids in the order of their arrival."""
        return [headers["Salesops-Event-Id"] for _, headers, _ in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.path, dict(self.headers), body))
            answer = receiver.answers.pop(0) if len(receiver.answers) > 1 else receiver.answers[0]
            if answer == "hang":
                receiver.over.wait(30)
                return
            if answer == "drip":
                self._drip()
                return
            self.send_response(int(answer))
            if 300 <= int(answer) < 400:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _drip(self) -> None:
            try:
                for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 3_000:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if receiver.over.wait(0.02):
                        return
            except OSError:
                pass  # the sender went away

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def sample() -> Any:
    """The function of the how-to, as its reader would run it."""
    page = Path(__file__).resolve().parents[4] / "docs" / "how-to" / "webhooks.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    found: dict[str, Any] = {}
    exec(code, found)
    return found["verified"]
