"""Which of boto's errors may pass by themselves, which need an operator, which mean "not there"."""

from typing import TypeAlias

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
)

from core.errors import TickFleetError
from snapshots.errors import ObjectNotFoundError, StoreAccessError, StoreError

__all__ = ["BOTO_ERRORS", "BotoError", "needs_credentials", "translate"]

BotoError: TypeAlias = BotoCoreError | ClientError | RecursionError
BOTO_ERRORS = (BotoCoreError, ClientError, RecursionError)
"""What a call of boto's raises. To find a bucket's region it follows redirects without an end."""

_NOT_FOUND = {"NoSuchKey", "404", "NotFound"}
_REFUSED = {
    "403",
    "AccessDenied",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",  # signed for another region
    "InvalidAccessKeyId",
    "InvalidBucketName",
    "NoSuchBucket",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
}
_NOT_TAKEN = {"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
_REFUSED_LOCALLY = (NoCredentialsError, PartialCredentialsError, ParamValidationError)
_NOT_RENEWED = (CredentialRetrievalError, TokenRetrievalError, UnauthorizedSSOTokenError)
_EXPIRED = "the credentials are not, or no longer, valid: renew them, and try again"
_CLOCK = "set this machine's clock right, and try again"
_FULL = "the store is full: raise its quota or remove what nobody needs, and try again"
_PASSING = {
    "ExpiredToken": _EXPIRED,
    "ExpiredTokenException": _EXPIRED,
    "InvalidToken": _EXPIRED,
    "TokenRefreshRequired": _EXPIRED,
    "RequestExpired": _CLOCK,
    "RequestTimeTooSkewed": _CLOCK,
    "QuotaExceeded": _FULL,
    "XMinioAdminBucketQuotaExceeded": _FULL,
    "XMinioStorageFull": _FULL,
}
"""What passes once somebody has done something, by the store's word for it: what to do."""
_KEY = "the key that encrypts the bucket cannot be used: enable it or grant it, and try again"


def needs_credentials(error: BotoError) -> bool:
    """Whether others could help than those that the request was signed with, or was not."""
    if isinstance(error, ClientError):
        code = _code(error)
        return code in _NOT_TAKEN or _PASSING.get(code) == _EXPIRED
    return isinstance(error, NoCredentialsError | PartialCredentialsError)


def translate(error: BotoError, action: str, where: str) -> TickFleetError:
    """The error of this room for one of boto's. Unknown ones count as passing troubles."""
    if isinstance(error, RecursionError):
        return StoreAccessError(
            f"cannot {action} {where}: the endpoint answers every request with a redirect; set "
            "endpoint_url to where that leads"
        )
    code = ""
    if isinstance(error, ClientError):
        code = _code(error)
        if action == "get" and code in _NOT_FOUND:
            return ObjectNotFoundError(f"no object {where}")
        if code in _REFUSED:
            return StoreAccessError(
                f"cannot {action} {where}: {error}; check bucket, region, credentials and their "
                "permissions (get, put, list, delete: without list, S3 answers 403 for a "
                "missing object)"
            )
    if isinstance(error, _REFUSED_LOCALLY):
        return StoreAccessError(
            f"cannot {action} {where}: {error}; set AWS credentials in the environment"
        )
    return StoreError(f"cannot {action} {where}: {error}; {_what_to_do(error, code)}")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _what_to_do(error: BotoCoreError | ClientError, code: str) -> str:
    if isinstance(error, _NOT_RENEWED):
        return "the credentials cannot be renewed: check where they come from, and try again"
    if code.startswith("KMS."):
        return _KEY
    return _PASSING.get(code, "check the endpoint and try again")
