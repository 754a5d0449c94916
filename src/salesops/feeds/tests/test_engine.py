"""Signatures, pauses and addresses, without a database."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesops.feeds.engine.addresses import networks, refusal
from salesops.feeds.engine.retries import MOST_TRIES, pause_after
from salesops.feeds.engine.signing import signature
from salesops.feeds.tests.receiver import sample


def verified(secret: str, header: str, body: bytes, now: int) -> bool:
    """What the check of the how-to says at an instant."""
    with patch("time.time", return_value=now):
        return bool(sample()(secret, header, body))


def test_the_signature_is_hmac_sha256_of_time_and_body() -> None:
    wanted = hmac.new(b"whsec_x", b'1790000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature("whsec_x", 1_790_000_000, b'{"a":1}') == f"t=1790000000,v1={wanted}"


@given(body=st.binary(max_size=60), other=st.binary(max_size=60), late=st.integers(-900, 900))
def test_only_the_same_body_with_the_same_secret_in_time_is_good(
    body: bytes, other: bytes, late: int
) -> None:
    header = signature("secret", 1_790_000_000, body)
    assert verified("secret", header, body, 1_790_000_000 + late) == (abs(late) <= 300)
    assert verified("secret", header, other, 1_790_000_000) == (other == body)
    assert not verified("another", header, body, 1_790_000_000)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=,v1=",
        "v1=00",
        "t=1790000000",
        "t=1e9,v1=x",
        "t=-5,v1=x",
        "t=²,v1=x",
        "é",
        "t=1790000000,v1=" + "é" * 64,
        "t=1790000000,v1=" + "g" * 64,
        f"t={'1' * 5_000},v1=x",
    ],
)
def test_what_is_no_signature_is_not_good(header: str) -> None:
    assert not verified("secret", header, b"", 1_790_000_000)


def test_what_is_said_twice_is_not_believed() -> None:
    good = signature("secret", 1_790_000_000, b"{}")
    assert verified("secret", good, b"{}", 1_790_000_000)
    for header in (f"{good},v1=00", f"v1=00,{good}", f"t=1,{good}", f"{good},{good}"):
        assert not verified("secret", header, b"{}", 1_790_000_000), header


def test_pauses_grow_and_end() -> None:
    pauses = [pause_after(n) for n in range(1, MOST_TRIES)]
    assert all(pauses)
    assert pauses == sorted(pauses, key=lambda p: p or timedelta(0))
    assert sum(filter(None, pauses), timedelta()) == timedelta(hours=22, minutes=21)
    assert [pause_after(n) for n in (MOST_TRIES, MOST_TRIES + 1)] == [None, None]
    with pytest.raises(ValueError, match="no pause"):
        pause_after(0)


REFUSED = (
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
    "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1",
    "2002:7f00:1::", "2002:c0a8:101::1", "2001:db8::1", "fec0::1", "feff::1",
    "192.0.0.9", "192.0.0.192", "168.63.129.16", "::ffff:168.63.129.16", "64:ff9b::a83f:8110", "no address", "",
)  # fmt: skip
TAKEN = (
    "8.8.8.8",
    "168.63.129.17",
    "192.0.1.1",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "2606:4700:4700::1111",
    "::ffff:8.8.8.8",
)


@pytest.mark.parametrize("address", REFUSED)
def test_inner_addresses_are_refused(address: str) -> None:
    assert refusal(address)


@pytest.mark.parametrize("address", TAKEN)
def test_public_addresses_are_taken(address: str) -> None:
    assert refusal(address) == ""


def test_a_setting_allows_a_network_and_no_more() -> None:
    allowed = networks(["10.1.0.0/16", "::1"])
    found = {
        a: bool(refusal(a, allowed)) for a in ("10.1.2.3", "::ffff:10.1.2.3", "::1", "10.2.0.1", "127.0.0.1")
    }
    assert found == {
        "10.1.2.3": False,
        "::ffff:10.1.2.3": False,
        "::1": False,
        "10.2.0.1": True,
        "127.0.0.1": True,
    }
    with pytest.raises(ValueError, match=r"10\.1"):
        networks(["10.1"])
