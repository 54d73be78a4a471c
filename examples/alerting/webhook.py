"""Posts events as JSON."""

import json
import urllib.error
import urllib.request
from typing import Any

__all__ = ["NotTakenError", "RefusedError", "post"]


class NotTakenError(Exception):
    """No answer, or one that may be another later (5xx, 408, 429): post it again."""


class RefusedError(Exception):
    """The receiver does not want this event (4xx): posting it again is no use."""


def post(url: str, event: dict[str, Any], *, timeout_s: float = 5.0) -> None:
    """Post one event; its id is the idempotency key.

    Raises:
        NotTakenError: try again.
        RefusedError: do not.
    """
    request = urllib.request.Request(
        url,
        data=json.dumps(event).encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": event["event_id"]},
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout_s):
            return
    except urllib.error.HTTPError as answer:
        answer.close()
        if answer.code in {408, 429} or answer.code >= 500:
            raise NotTakenError(f"{url} answered {answer.code}") from answer
        raise RefusedError(f"{url} answered {answer.code}") from answer
    except OSError as error:
        raise NotTakenError(f"{url}: {error}") from error
