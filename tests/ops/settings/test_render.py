"""What is printed can be loaded again, and holds no secret."""

from pathlib import Path

import pytest

from ops.settings import MASK, load_settings, render_settings

_ENVIRONMENT = {
    "TICKFLEET_BOOTSTRAP_SERVERS": "broker:9092",
    "TICKFLEET_SNAPSHOT_URL": "s3://bucket/prefix",
    "TICKFLEET_WORKER_ID": 'w "0"',
    "TICKFLEET_STORE_OPTIONS__REGION": "eu-west-1",
    "TICKFLEET_KAFKA__CONSUMER__FETCH__MIN__BYTES": "7",
    "TICKFLEET_PREDICTOR__LOG_SIG_DEPTH": "2",
}


def test_printed_settings_load_to_the_same_settings(tmp_path: Path) -> None:
    settings = load_settings(None, environment=_ENVIRONMENT)
    path = tmp_path / "printed.toml"
    path.write_text(render_settings(settings), "utf-8")
    assert load_settings(path, environment={}) == settings


@pytest.mark.parametrize(
    "name",
    [
        "KAFKA__SASL__PASSWORD",
        "KAFKA__SSL__KEY__PEM",
        "KAFKA__SSL__KEYSTORE__PASSWORD",
        "KAFKA__SASL__OAUTHBEARER__CLIENT__SECRET",
        "KAFKA__SASL__OAUTHBEARER__CONFIG",
        "KAFKA__PRODUCER__SASL__PASSWORD",
        "SCHEMA_REGISTRY__BASIC__AUTH__USER__INFO",
    ],
)
def test_secrets_are_masked(name: str) -> None:
    settings = load_settings(None, environment={**_ENVIRONMENT, f"TICKFLEET_{name}": "hunter2"})
    printed = render_settings(settings)
    assert "hunter2" not in printed
    assert MASK in printed


def test_a_password_inside_a_url_is_masked_and_the_rest_is_kept() -> None:
    url = "https://user:hunter2@registry:8081/api"
    settings = load_settings(
        None, environment={**_ENVIRONMENT, "TICKFLEET_SCHEMA_REGISTRY_URL": url}
    )
    assert f'schema_registry_url = "https://{MASK}@registry:8081/api"' in render_settings(settings)


def test_plain_options_are_shown() -> None:
    printed = render_settings(load_settings(None, environment=_ENVIRONMENT))
    assert '"fetch.min.bytes" = "7"' in printed
    assert "[kafka.consumer]" in printed
