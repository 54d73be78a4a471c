"""What S3 says, as an error that tells whether to wait and what to do meanwhile."""

import pytest
from botocore.exceptions import ClientError, CredentialRetrievalError

from core.errors import RetryableError
from snapshots import StoreAccessError, StoreError
from snapshots.s3_errors import translate


def _said(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}}, "PutObject")


@pytest.mark.parametrize(
    ("code", "what_to_do"),
    [
        ("ExpiredToken", "renew them"),
        ("InvalidToken", "renew them"),
        ("RequestTimeTooSkewed", "clock"),
        ("RequestExpired", "clock"),
        ("QuotaExceeded", "the store is full"),
        ("KMS.DisabledException", "key that encrypts"),
        ("SomethingNew", "check the endpoint"),
    ],
)
@pytest.mark.parametrize("action", ["get", "put", "list", "delete"])
def test_what_passes_is_asked_again_and_says_what_to_do(
    action: str, code: str, what_to_do: str
) -> None:
    error = translate(_said(code), action, "s3://b/k")
    assert type(error) is StoreError
    assert isinstance(error, RetryableError), "a worker asks again"
    assert f"cannot {action} s3://b/k" in str(error)
    assert what_to_do in str(error)


def test_credentials_that_cannot_be_renewed_may_be_later() -> None:
    error = translate(
        CredentialRetrievalError(provider="assume-role", error_msg="no answer"), "get", "s3://b/k"
    )
    assert type(error) is StoreError
    assert "check where they come from" in str(error)


def test_another_region_is_a_matter_of_settings() -> None:
    error = translate(_said("AuthorizationHeaderMalformed"), "put", "s3://b/k")
    assert type(error) is StoreAccessError
    assert "check bucket, region" in str(error)
