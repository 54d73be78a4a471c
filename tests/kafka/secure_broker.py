"""A broker with a second listener: TLS, SCRAM, and rights that somebody must have been given."""

import datetime
import ipaddress
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.local import Listener, LocalKafka
from ops.local.process import free_port

__all__ = ["SecureBroker", "documented_rights", "secure_broker"]

_ROW = re.compile(r"^\| (topic|group|transactional_id) \| (\S+) \| (\w+) \| ([A-Z, ]+) \|$", re.M)


@dataclass(frozen=True)
class SecureBroker:
    """Where it is: for us without any check, for the fleet with all of them.

    Attributes:
        bootstrap: the plain listener; whoever comes that way may do everything.
        secure_bootstrap: the listener over TLS that wants a user.
        ca: certificate to verify it by.
    """

    bootstrap: str
    secure_bootstrap: str
    ca: Path

    def add_user(self, name: str, password: str) -> None:
        """Let a user in; it has no rights yet."""
        change = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode()
        )
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(30)

    def grant(self, user: str, rights: list[tuple[str, str, str, str]]) -> None:
        """Give rights: (resource, name, pattern, operation) each."""
        bindings = [
            AclBinding(
                ResourceType[resource.upper()],
                name,
                ResourcePatternType[pattern.upper()],
                f"User:{user}",
                "*",
                AclOperation[operation],
                AclPermissionType.ALLOW,
            )
            for resource, name, pattern, operation in rights
        ]
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for done in admin.create_acls(bindings).values():
            done.result(30)


def documented_rights(page: str, names: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """The table of docs/security.md, with a run's own names in place of the documented ones."""
    rights = []
    for resource, name, pattern, operations in _ROW.findall(page):
        for documented, actual in names.items():
            if resource != "topic" or name == documented:
                name = name.replace(documented, actual)  # noqa: PLW2901
        rights += [(resource, name, pattern, one) for one in operations.split(", ")]
    return rights


@contextmanager
def secure_broker(folder: Path) -> Iterator[SecureBroker]:
    """A broker with everything forbidden that is not granted."""
    ca = _certificate(folder)
    secure = free_port()
    listener = Listener("SECURE", "SASL_SSL", secure, f"localhost:{secure}")
    settings = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.secure.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": str(folder / "broker.pem"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with LocalKafka(folder / "kafka", listener=listener, settings=settings) as broker:
        yield SecureBroker(broker.bootstrap, listener.advertised, ca)


def _certificate(folder: Path) -> Path:
    """A self-signed certificate for localhost, and a file with its key for the broker."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "ca.pem").write_bytes(public)
    (folder / "broker.pem").write_bytes(private + public)
    return folder / "ca.pem"
