"""Which of boto's errors may pass by themselves, which need an operator, which mean "not there"."""

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from core.errors import TickFleetError
from snapshots.errors import ObjectNotFoundError, StoreAccessError, StoreError

__all__ = ["BOTO_ERRORS", "translate"]

BOTO_ERRORS = (BotoCoreError, ClientError, RecursionError)
"""What a call of boto's raises. To find a bucket's region it follows redirects without an end."""

_NOT_FOUND = {"NoSuchKey", "404", "NotFound"}
_REFUSED = {
    "403",
    "AccessDenied",
    "AllAccessDisabled",
    "InvalidAccessKeyId",
    "InvalidBucketName",
    "NoSuchBucket",
    "PermanentRedirect",
    "SignatureDoesNotMatch",
}
_REFUSED_LOCALLY = (NoCredentialsError, PartialCredentialsError, ParamValidationError)


def translate(
    error: BotoCoreError | ClientError | RecursionError, action: str, where: str
) -> TickFleetError:
    """The error of this room for one of boto's. Unknown ones count as passing troubles."""
    if isinstance(error, RecursionError):
        return StoreAccessError(
            f"cannot {action} {where}: the endpoint answers every request with a redirect; set "
            "endpoint_url to where that leads"
        )
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", ""))
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
    return StoreError(f"cannot {action} {where}: {error}; check the endpoint and try again")
