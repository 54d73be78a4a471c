"""Certificates of a test's own authority."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

__all__ = ["Authority"]


class Authority:
    """Issues certificates for a day.

    Args:
        name: its common name.
    """

    def __init__(self, name: str) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.pem = self._sign(self._name, self._key, authority=True)

    def issue(self, folder: Path, name: str) -> dict[str, str]:
        """Write `NAME.crt`, `NAME.key`, both in `NAME.pem`, and the authority's own `ca.pem`.

        Args:
            folder: where to; what is there is replaced.
            name: common name; it is good for localhost, too.

        Returns:
            The options by which a client is given them.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        public = self._sign(subject, key, authority=False)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        (folder / f"{name}.crt").write_bytes(public)
        (folder / f"{name}.key").write_bytes(private)
        (folder / f"{name}.pem").write_bytes(private + public + self.pem)
        (folder / "ca.pem").write_bytes(self.pem)
        return {
            "ssl.ca.location": str(folder / "ca.pem"),
            "ssl.certificate.location": str(folder / f"{name}.crt"),
            "ssl.key.location": str(folder / f"{name}.key"),
        }

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, authority: bool
    ) -> bytes:
        now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - day)
            .not_valid_after(now + day)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM)
