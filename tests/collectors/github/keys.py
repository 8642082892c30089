"""Private keys of an App that nobody has, and other things that are none."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa


@cache
def key() -> rsa.RSAPrivateKey:
    """One key for all tests: making one takes its time."""
    return rsa.generate_private_key(65537, 2048)


def pem(of: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> str:
    """A private key as a .pem file holds it."""
    locked = serialization.BestAvailableEncryption(passphrase) if passphrase else None
    return of.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        locked or serialization.NoEncryption(),
    ).decode()


def public() -> str:
    """The other half of the key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key().public_key().public_bytes(serialization.Encoding.PEM, form).decode()


WRONG = {
    "nothing": lambda: "",
    "text": lambda: "hello",
    "cut short": lambda: pem(key())[:700],
    "locked": lambda: pem(key(), b"passphrase"),
    "public": public,
    "of another kind": lambda: pem(ec.generate_private_key(ec.SECP256R1())),
    "no text": lambda: "\udc80",
}
"""What stands in a variable that should hold a key."""
