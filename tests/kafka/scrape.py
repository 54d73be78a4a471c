"""A worker's `/metrics`, read as Prometheus reads them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

__all__ = ["probe", "scrape"]


def scrape(port: int) -> Mapping[str, Sequence[float]]:
    """The values of each series' name over all labels; empty while nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except (URLError, OSError):
        return {}
    values: dict[str, list[float]] = defaultdict(list)
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values[sample.name].append(sample.value)
    return values


def probe(port: int) -> int:
    """The status of a worker's `/readyz`; 0 while nobody listens."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return int(answer.status)
    except HTTPError as answer:
        return answer.code
    except (URLError, OSError):
        return 0
