"""Which network addresses a webhook may be sent to: public ones, and those that a setting names."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IP = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAT64 = ip_network("64:ff9b::/96")
_INNER = tuple(ip_network(text) for text in ("fec0::/10", "192.0.0.0/24", "168.63.129.16/32"))
"""What Python counts as public and is not: site-local (RFC 3879), protocol assignments (RFC 6890), and the
address under which a machine in Azure reaches the services of its host."""


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks as a setting names them, such as ``10.1.0.0/16`` or one address.

    Raises:
        ValueError: one is no network; the message names it.
    """
    return tuple(ip_network(text, strict=False) for text in texts)


def inner(address: IP) -> IP:
    """The IPv4 address that an IPv6 address leads to, where it does (mapped, 6to4, Teredo, NAT64); else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def refusal(text: str, allowed: Sequence[Network] = ()) -> str:
    """Why nothing may be sent to an address; "" where something may.

    Private, site-local, loopback, link-local, multicast, reserved and shared (carrier's) addresses are refused,
    however they are written, unless one of ``allowed`` holds the address.
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return f"{text} is no network address"
    reached = inner(address)
    if any(
        each.version == known.version and each in known for each in (address, reached) for known in allowed
    ):
        return ""
    if reached.is_loopback:
        return f"{text} is this machine itself"
    if reached.is_link_local:
        return f"{text} is a link-local address"
    if reached.is_multicast or reached.is_reserved or reached.is_unspecified:
        return f"{text} is no address of a machine"
    if not reached.is_global or any(reached.version == one.version and reached in one for one in _INNER):
        return f"{text} is an address of a private network"
    return ""


def loopback(text: str) -> bool:
    """Whether an address is this machine itself."""
    try:
        return inner(ip_address(text.partition("%")[0])).is_loopback
    except ValueError:
        return False
