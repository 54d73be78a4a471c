"""What a schema registry's answer to one question means: an error to be retried, or a final one.

Only what the registry itself says counts against a schema: neither an answer of what stands
before it nor none at all is a record's fault.
"""

from collections.abc import Callable, Set
from typing import TYPE_CHECKING, Final, TypeVar

from schemas.errors import RegistryDeniedError, RegistryRefusedError, RegistryUnavailableError

if TYPE_CHECKING:
    from confluent_kafka.schema_registry.error import SchemaRegistryError

__all__ = ["NO_SUCH_SCHEMA", "NO_SUCH_VERSION", "NotFoundError", "answer"]

_T = TypeVar("_T")
NO_SUCH_SCHEMA: Final = frozenset({40403})
NO_SUCH_VERSION: Final = frozenset({40401, 40402})
"""A registry's codes for a subject and for a version of one that it does not have."""
_NOT_FOUND_STATUS = 404
_NOT_FOUND_CODES = range(40401, 40500)
"""Which no ingress, proxy or wrong path gives."""
_RETRYABLE_STATUS = {408, 425, 429}
_DENIED_STATUS = {401, 403, 407}


class NotFoundError(RegistryRefusedError):
    """The registry answered that it has no such schema (as opposed to a wrong address)."""


def answer(what: str, call: Callable[[], _T], absent: Set[int]) -> _T:
    """Run one registry call and sort its failures into retryable and final ones.

    Args:
        what: names in messages what is asked for.
        call: the client's.
        absent: the registry's codes that say that it has no such thing.

    Raises:
        NotFoundError: the registry has no such thing.
        RegistryDeniedError, RegistryRefusedError: asking again would not help.
        RegistryUnavailableError: anything else.
    """
    from confluent_kafka.schema_registry.error import SchemaRegistryError  # noqa: PLC0415

    try:
        return call()
    except SchemaRegistryError as error:
        if error.http_status_code in _RETRYABLE_STATUS or error.http_status_code >= 500:
            raise RegistryUnavailableError(
                f"the schema registry cannot serve {what} now ({error}); try again"
            ) from error
        if _by_another(error):
            raise RegistryDeniedError(
                f"the schema registry refused {what} ({error}): check the credentials and its "
                "address; redirects are not followed"
            ) from error
        kind = NotFoundError if error.error_code in absent else RegistryRefusedError
        raise kind(
            f"the schema registry refused {what} ({error}): check its address and the "
            "subject's compatibility setting, or register the schema"
        ) from error
    except Exception as error:
        # The client lets its HTTP library's, TLS's and JSON's own errors through; the record
        # or the schema had no part in any of them.
        raise RegistryUnavailableError(
            f"the schema registry could not be asked about {what} "
            f"({type(error).__name__}: {error}); check its address and try again"
        ) from error


def _by_another(error: "SchemaRegistryError") -> bool:
    """Whether what stands before a registry answered: a login, a redirect, a page not found."""
    status = error.http_status_code
    not_found = status == _NOT_FOUND_STATUS and error.error_code not in _NOT_FOUND_CODES
    return status in _DENIED_STATUS or 300 <= status < 400 or not_found
