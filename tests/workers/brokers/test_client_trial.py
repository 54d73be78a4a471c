"""librdkafka itself judges its options, before the worker starts."""

import pytest

from ops.settings import load_settings
from workers.brokers.client_trial import check_client_options
from workers.errors import ConfigurationError

# Nothing listens there: making a client does not need a broker.
_ENVIRONMENT = {
    "TICKFLEET_BOOTSTRAP_SERVERS": "127.0.0.1:1",
    "TICKFLEET_SNAPSHOT_URL": "file:///snapshots",
    "TICKFLEET_KAFKA__LOG_LEVEL": "0",
}


def _check(**options: str) -> None:
    environment = {**_ENVIRONMENT, **{f"TICKFLEET_{key}": value for key, value in options.items()}}
    check_client_options(load_settings(None, environment=environment).worker)


def test_good_options_pass() -> None:
    _check()
    _check(KAFKA__SOCKET__KEEPALIVE__ENABLE="true", KAFKA__PRODUCER__LINGER__MS="3")
    _check(DELIVERY="at_least_once", GROUP_PROTOCOL="consumer")


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("KAFKA__NO__SUCH__OPTION", "1", r"no\.such\.option"),
        ("KAFKA__CONSUMER__FETCH__MIN__BYTES", "many", r"fetch\.min\.bytes"),
        ("KAFKA__PRODUCER__COMPRESSION__TYPE", "rar", r"compression\.(type|codec)"),
        ("KAFKA__PRODUCER__ACKS", "99999", r"acks"),
        ("KAFKA__CONSUMER__GROUP__ID", "mine", r"group\.id"),
    ],
)
def test_a_wrong_option_is_named(option: str, value: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _check(**{option: value})


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("NO__SUCH__OPTION", "1", r"no\.such\.option"),
        ("SSL__CA__LOCATION", "/none", "No such file"),
    ],
)
def test_so_is_a_registrys(option: str, value: str, message: str) -> None:
    registry = {"SCHEMA_REGISTRY_URL": "https://127.0.0.1:1"}
    _check(**registry)
    with pytest.raises(ConfigurationError, match=rf"(?s)\[schema_registry\].*{message}"):
        _check(**registry, **{f"SCHEMA_REGISTRY__{option}": value})
