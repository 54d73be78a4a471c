"""A broker with a second listener: TLS on both sides, SCRAM, and rights that somebody must give."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from ops.local import Listener, LocalKafka
from ops.local.process import free_port
from tests.kafka.certificates import Authority

__all__ = ["SecureBroker", "documented_rights", "secure_broker"]

_ROW = re.compile(r"^\| (topic|group|transactional_id) \| (\S+) \| (\w+) \| ([A-Z, ]+) \|$", re.M)


@dataclass(frozen=True)
class SecureBroker:
    """Where it is: for us without any check, for the fleet with all of them.

    Attributes:
        bootstrap: the plain listener; whoever comes that way may do everything.
        secure_bootstrap: the listener over TLS that wants a user.
        ca: certificate to verify it by; clients' own come into the same folder.
        authority: issues them.
    """

    bootstrap: str
    secure_bootstrap: str
    ca: Path
    authority: Authority

    def certify(self, name: str) -> dict[str, str]:
        """Issue a client's certificate, in place of any it has; the options that name it."""
        return self.authority.issue(self.ca.parent, name)

    def add_user(self, name: str, password: str) -> dict[str, str]:
        """Let a user in, who has no rights yet; the options of a client of theirs."""
        change = UserScramCredentialUpsertion(
            name, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password.encode()
        )
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for done in admin.alter_user_scram_credentials([change]).values():
            done.result(30)
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": name,
            "sasl.password": password,
            "ssl.ca.location": str(self.ca),
        }

    def grant(self, user: str, rights: list[tuple[str, str, str, str]]) -> None:
        """Give rights: (resource, name, pattern, operation) each."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        given = [AclBinding(*_allowed(user, right)) for right in rights]
        for done in admin.create_acls(given).values():
            done.result(30)

    def revoke(self, user: str, right: tuple[str, str, str, str]) -> None:
        """Take a right away."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        [done] = admin.delete_acls([AclBindingFilter(*_allowed(user, right))]).values()
        assert len(done.result(30)) == 1


def _allowed(
    user: str, right: tuple[str, str, str, str]
) -> tuple[ResourceType, str, ResourcePatternType, str, str, AclOperation, AclPermissionType]:
    resource, name, pattern, operation = right
    return (
        ResourceType[resource.upper()],
        name,
        ResourcePatternType[pattern.upper()],
        f"User:{user}",
        "*",
        AclOperation[operation],
        AclPermissionType.ALLOW,
    )


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
def secure_broker(folder: Path, *, client_auth: str = "none") -> Iterator[SecureBroker]:
    """A broker with everything forbidden that is not granted.

    Args:
        folder: of its data and certificates.
        client_auth: the broker's `ssl.client.auth`: whether a client needs a certificate.
    """
    authority = Authority("fleet")
    authority.issue(folder, "broker")
    secure = free_port()
    listener = Listener("SECURE", "SASL_SSL", secure, f"localhost:{secure}")
    settings = {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.secure.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "listener.name.secure.ssl.keystore.type": "PEM",
        "listener.name.secure.ssl.keystore.location": str(folder / "broker.pem"),
        "listener.name.secure.ssl.truststore.type": "PEM",
        "listener.name.secure.ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.secure.ssl.client.auth": client_auth,
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    with LocalKafka(folder / "kafka", listener=listener, settings=settings) as broker:
        yield SecureBroker(broker.bootstrap, listener.advertised, folder / "ca.pem", authority)
