"""One signed POST to an address that somebody typed in: no way into the inner network, no end without a limit.

The name is resolved here, every answer is looked at, and the connection goes to the very address that was
looked at: a name that answers differently a moment later gains nothing. Redirects are not followed and no
proxy is asked. A timer ends what is still going on when the time is over, so that a server that sends a byte
now and then holds nobody up.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from salesops.feeds.engine.addresses import Network, loopback, refusal

MOST_CHARACTERS = 500


class UrlError(ValueError):
    """An address that nothing is sent to; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What came of one try.

    Attributes:
        status: of the answer; None where there was none.
        error: why it failed; "" where the answer was a yes.
        reached: whether the server answered at all.
        milliseconds: from the first look-up to the answer.
    """

    status: int | None
    error: str
    reached: bool
    milliseconds: int

    @property
    def ok(self) -> bool:
        """Whether it was taken."""
        return not self.error


def parsed(url: str) -> SplitResult:
    """The parts of an address that webhooks may be sent to.

    Raises:
        UrlError: it is no https:// address (or http:// to this machine by a name that says so).
    """
    if len(url) > MOST_CHARACTERS or any(ord(ch) <= 32 or ord(ch) > 126 for ch in url):
        raise UrlError(f"Write an address of at most {MOST_CHARACTERS} plain characters, without spaces.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        message = f"The address can't be read: {error}."
        raise UrlError(message) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise UrlError("The address must begin with https://")
    if parts.username is not None or parts.password is not None:
        raise UrlError("The address must hold no user name or password: the signature says who sends.")
    if parts.fragment:
        raise UrlError("The address must hold no #.")
    if parts.scheme == "http" and parts.hostname != "localhost" and not loopback(parts.hostname):
        raise UrlError("Only https:// is sent to; http:// to this machine alone.")
    return parts


def resolved(parts: SplitResult, allowed: Sequence[Network]) -> list[str]:
    """The network addresses of a host, all of which may be sent to.

    Raises:
        UrlError: one of them may not.
        OSError: the name has none.
    """
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        message = f"{parts.hostname} is no name of a machine."
        raise UrlError(message) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if why := refusal(address, allowed):
            message = f"Nothing is sent to {parts.hostname}: {why} (SALESOPS_WEBHOOK_NETWORKS)."
            raise UrlError(message)
        if parts.scheme == "http" and not loopback(address):
            raise UrlError("Only https:// is sent to; http:// to this machine alone.")
    return addresses


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, seconds: float, allowed: Sequence[Network] = ()
) -> Outcome:
    """Send one body, and say what came of it; nothing is raised.

    Args:
        url: as :func:`parsed` takes it.
        body, headers: what is sent.
        seconds: until there must be an answer, counted from the connection on.
        allowed: networks beside public ones.
    """
    begun = time.monotonic()

    def outcome(status: int | None, error: str, *, reached: bool) -> Outcome:
        return Outcome(status, error[:300], reached, round((time.monotonic() - begun) * 1000))

    try:
        parts = parsed(url)
        addresses = resolved(parts, allowed)
        status = _ask(parts, addresses, body, headers, seconds)
    except UrlError as error:
        return outcome(None, str(error), reached=False)
    except ssl.SSLCertVerificationError as error:
        return outcome(None, f"The certificate is not good: {error.verify_message}.", reached=False)
    except TimeoutError:
        return outcome(None, f"No answer within {seconds:g} seconds.", reached=False)
    except (OSError, http.client.HTTPException) as error:
        late = time.monotonic() - begun >= seconds
        why = f"No answer within {seconds:g} seconds." if late else f"Not reached ({type(error).__name__})."
        return outcome(None, why, reached=False)
    if 200 <= status < 300:
        return outcome(status, "", reached=True)
    if 300 <= status < 400:
        return outcome(status, f"It answered {status}: redirects are not followed.", reached=True)
    return outcome(status, f"It answered {status}.", reached=True)


class _Plain(http.client.HTTPConnection):
    """A connection over a socket that is already open."""

    def __init__(self, host: str, sock: socket.socket) -> None:
        super().__init__(host)
        self.sock = sock

    def connect(self) -> None:
        """Never again: the one socket is the one that was looked at."""
        raise OSError("The connection was closed.")


def _ask(
    parts: SplitResult, addresses: Sequence[str], body: bytes, headers: Mapping[str, str], seconds: float
) -> int:
    deadline = time.monotonic() + seconds
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    sock = _connected(addresses, port, deadline)
    # A handle of its own: wrapping takes the first one's away, and the end holds for the connection itself.
    handle = sock.dup()
    late = threading.Event()
    over = threading.Timer(max(0.0, deadline - time.monotonic()), _shut, [handle, late])
    over.daemon = True
    over.start()
    try:
        sock.settimeout(max(0.01, deadline - time.monotonic()))
        if parts.scheme == "https":
            sock = ssl.create_default_context().wrap_socket(sock, server_hostname=host)
        connection = _Plain(parts.netloc, sock)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, dict(headers) | {"Connection": "close"})
        status = connection.getresponse().status
        if late.is_set():  # half an answer, ended here, can look like a whole one
            raise TimeoutError
        return status
    finally:
        over.cancel()
        sock.close()
        handle.close()


def _connected(addresses: Sequence[str], port: int, deadline: float) -> socket.socket:
    """A connection to the first address that takes one."""
    last: OSError = OSError("there is no address")
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        try:
            return socket.create_connection((address, port), timeout=left)
        except OSError as error:
            last = error
    raise last


def _shut(sock: socket.socket, late: threading.Event) -> None:
    """End whatever waits on a socket, in whichever thread."""
    late.set()
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # it has ended by itself
