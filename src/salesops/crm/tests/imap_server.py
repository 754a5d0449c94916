"""An IMAP server on this machine for tests, and a TLS door in front of it."""

from __future__ import annotations

import contextlib
import datetime as dt
import imaplib
import ipaddress
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

USER, PASSWORD = "ops", "a mailbox secret"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A running server with one account."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect(self) -> imaplib.IMAP4:
        box = imaplib.IMAP4("127.0.0.1", self.port, timeout=10)
        box.login(USER, f'"{PASSWORD}"'.strip('"'))
        return box

    def put(self, letter: EmailMessage | bytes) -> None:
        """Put a mail into the inbox."""
        box = self.connect()
        content = letter if isinstance(letter, bytes) else letter.as_bytes()
        status, said = box.append("INBOX", "", "", content)
        assert status == "OK", said
        box.logout()

    def unseen(self) -> int:
        box = self.connect()
        box.select("INBOX")
        found = box.uid("SEARCH", "UNSEEN")[1][0]
        box.logout()
        return len(found.split())


@contextlib.contextmanager
def running() -> Iterator[Server]:
    port = free_port()
    command = [sys.executable, "-c", "from pymap.main import main; main()", "--no-tls", "--no-service", "admin",
               "--no-service", "managesieve", "--host", "127.0.0.1", "--port", str(port), "dict", "--demo-user", USER,
               "--demo-password", PASSWORD]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + 60
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    assert time.monotonic() < until, "the IMAP server did not start"
                    assert process.poll() is None, "the IMAP server ended"
                    time.sleep(0.1)
            yield Server(port)
        finally:
            process.kill()


def certificate(folder: Path) -> Path:
    """A certificate for this machine with its key, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextlib.contextmanager
def tls_door(server: Server, pem: Path) -> Iterator[int]:
    """A port that speaks TLS and passes on to the server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                target.sendall(piece)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            try:
                outside = context.wrap_socket(raw, server_side=True)
            except OSError:
                continue  # a caller that does not trust the certificate
            inside = socket.create_connection(("127.0.0.1", server.port))
            for pair in ((outside, inside), (inside, outside)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.close()
