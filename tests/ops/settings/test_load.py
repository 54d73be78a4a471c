"""Settings are merged from file and environment, and a wrong one is explained by name."""

import os
from pathlib import Path

import pytest

from ops.logs import LogFormat
from ops.settings import Settings, SettingsError, load_settings
from workers.brokers.client_trial import check_kafka_options
from workers.config import Delivery
from workers.errors import ConfigurationError

_MINIMAL = 'bootstrap_servers = "broker:9092"\nsnapshot_url = "file:///snapshots"\n'


def _load(tmp_path: Path, text: str, **environment: str) -> Settings:
    path = tmp_path / "tickfleet.toml"
    path.write_text(text, "utf-8")
    return load_settings(path, environment=environment)


def test_a_file_and_defaults(tmp_path: Path) -> None:
    settings = _load(
        tmp_path,
        _MINIMAL
        + """
        delivery = "at_least_once"
        worker_id = "w-0"
        [topics]
        ticks = "market"
        [predictor]
        log_sig_depth = 3
        [http]
        port = 0
        [log]
        format = "json"
        """,
    )
    worker = settings.worker
    assert (worker.bootstrap_servers, worker.group_id) == ("broker:9092", "tickfleet")
    assert worker.delivery is Delivery.AT_LEAST_ONCE
    assert (worker.topics.ticks, worker.topics.journal) == ("market", "journal")
    assert worker.predictor.log_sig_depth == 3
    assert (settings.http.port, settings.log.format) == (0, LogFormat.JSON)


def test_the_environment_alone_and_over_the_file(tmp_path: Path) -> None:
    environment = {
        "TICKFLEET_BOOTSTRAP_SERVERS": "other:9092",
        "TICKFLEET_SNAPSHOT_URL": "file:///elsewhere",
        "TICKFLEET_COMMIT_INTERVAL_MS": "50",
        "TICKFLEET_LOAD_SHEDDING": "false",
        "TICKFLEET_TOPICS__FLAGS": "alerts",
        "TICKFLEET_PREDICTOR__LOG_SIG_DEPTH": "2",
        "TICKFLEET_HTTP__PORT": "8000",
    }
    for settings in (
        load_settings(None, environment=environment),
        _load(tmp_path, _MINIMAL + "[topics]\nflags = 'f'\nticks = 'ticks'\n", **environment),
    ):
        worker = settings.worker
        assert (worker.bootstrap_servers, worker.commit_interval_ms) == ("other:9092", 50)
        assert worker.load_shedding is False
        assert (worker.topics.flags, worker.topics.ticks) == ("alerts", "ticks")
        assert worker.predictor.log_sig_depth == 2
        assert settings.http.port == 8000


def test_client_options_are_the_same_nested_dotted_or_from_the_environment(
    tmp_path: Path,
) -> None:
    settings = _load(
        tmp_path,
        _MINIMAL
        + """
        [kafka]
        sasl.mechanism = "PLAIN"
        "sasl.password" = "from the file"
        enable.ssl.certificate.verification = false
        [kafka.consumer]
        fetch.min.bytes = 1
        [schema_registry]
        basic.auth.user.info = "u:p"
        """,
        TICKFLEET_KAFKA__SASL__PASSWORD="1e5",
        TICKFLEET_KAFKA__PRODUCER__LINGER__MS="3",
    )
    worker = settings.worker
    assert worker.kafka == {
        "sasl.mechanism": "PLAIN",
        "sasl.password": "1e5",
        "enable.ssl.certificate.verification": "false",
    }
    assert worker.consumer == {"fetch.min.bytes": "1"}
    assert worker.producer == {"linger.ms": "3"}
    assert worker.schema_registry == {"basic.auth.user.info": "u:p"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'boostrap_servers = "x"',
            r"boostrap_servers is unknown: did you mean bootstrap_servers\?",
        ),
        ("[topics]\ntick = 'x'", r"topics\.tick is unknown: did you mean ticks\?"),
        ("[predictor]\nlog_sig_dept = 3", r"predictor\.log_sig_dept is unknown: did you mean log_"),
        ("[http]\nprot = 1", r"http\.prot is unknown: did you mean port\?"),
        ("[log]\nzzz = 1", r"log\.zzz is unknown: remove it"),
        ("[http]\nport = 70000", r"http\.port: .*65535"),
        ("delivery = 'twice'", r"delivery: .*exactly_once"),
        ("commit_interval_ms = 'soon'", r"commit_interval_ms: .*integer"),
        ("commit_interval_ms = 0", r"commit_interval_ms must lie in \[1, 86"),
        ("[shedding]\nrecovery_ratio = 2.0", r"shedding\.recovery_ratio must not be above"),
        ("[shedding]\nratio = 2.0", r"shedding\.ratio is unknown"),
        (
            "[shedding]\ndwell_batches = true",
            r"tickfleet\.toml: shedding\.dwell_batches must be a number",
        ),
        ("emergency_dump_interval_s = -1", r"emergency_dump_interval_s must lie in \[0, 86"),
        ("kafka = 3", r"tickfleet\.toml: kafka must be a table"),
        ("topics = 3", r"tickfleet\.toml: topics must be a table: write it as \[topics\]"),
        ("http = 3", r"tickfleet\.toml: http must be a table: write it as \[http\]"),
        ("= 3", r"no valid TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _load(tmp_path, _MINIMAL + text)


def test_every_wrong_setting_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, "a = 1\n[http]\nport = -1\n")
    for name in ("a is unknown", "http.port", "bootstrap_servers is missing", "snapshot_url"):
        assert name in str(caught.value)
    assert "TICKFLEET_BOOTSTRAP_SERVERS" in str(caught.value)


@pytest.mark.parametrize(
    ("table", "key", "value", "wrong"),
    [
        ("predictor", "cusum_g", "1", "predictor.cusum_g is unknown"),
        ("predictor", "cusum_h", "x", "predictor.cusum_h: Input should be a valid number"),
        ("predictor", "cusum_h", "-1", "predictor: cusum_h=-1.0: must lie in"),
        ("http", "port", "-1", "http.port: Input should be greater"),
    ],
)
def test_a_wrong_setting_is_looked_for_where_it_was_given(
    tmp_path: Path, table: str, key: str, value: str, wrong: str
) -> None:
    path, right = tmp_path / "tickfleet.toml", tmp_path / "right.toml"
    path.write_text(_MINIMAL + f"[{table}]\n{key} = '{value}'", "utf-8")
    right.write_text(_MINIMAL + "[predictor]\ncusum_h = 5.0\n[http]\nport = 1", "utf-8")
    variable = f"TICKFLEET_{table}__{key}".upper()
    with pytest.raises(SettingsError) as of_file:
        load_settings(path, environment={})
    with pytest.raises(SettingsError) as of_environment:
        load_settings(right, environment={variable: value})
    with pytest.raises(SettingsError) as of_option:
        load_settings(right, environment={}, overrides={table: {key: value}})
    assert str(of_file.value).startswith(f"{path}: {wrong}")
    assert str(of_environment.value).startswith(f"{variable}: {wrong}")
    assert str(of_option.value).startswith(f"command line: {wrong}")


@pytest.mark.parametrize(
    ("key", "value", "wrong"),
    [
        ("worker_id", "", "worker_id is empty: set it"),
        ("schema_registry_url", "x", "schema_registry_url must begin"),
        ("snapshot_url", "/tmp", "snapshot_url must be file:"),
        ("snapshot_url", "s3://bucket/a b", "snapshot_url: an S3 prefix is made of"),
        ("snapshot_url", "s3://bucket/x?y=1", "snapshot_url: a snapshot URL takes no parameters"),
        ("commit_interval_ms", "0", "commit_interval_ms must lie in"),
        ("transaction_timeout_ms", "50", "commit_interval_ms must be at most a quarter"),
        ("topics.ticks", "a b", "topics.ticks is no name of a topic"),
        ("topics.journal", "ticks", "topics.ticks and topics.journal have one name"),
        ("shedding.recovery_ratio", "2", "shedding.recovery_ratio must not be above"),
        ("store_options.max_attempts", "0", "store_options.max_attempts must lie in"),
    ],
)
def test_a_worker_that_cannot_be_is_told_where_its_setting_was_given(
    tmp_path: Path, key: str, value: str, wrong: str
) -> None:
    path, right = tmp_path / "tickfleet.toml", tmp_path / "right.toml"
    right.write_text(_MINIMAL, "utf-8")
    given = {"bootstrap_servers": "b:1", "snapshot_url": "file:///s", key: value}
    path.write_text("".join(f"{one} = '{text}'\n" for one, text in given.items()), "utf-8")
    variable = f"TICKFLEET_{key.replace('.', '__')}".upper()
    with pytest.raises(SettingsError) as of_file:
        load_settings(path, environment={})
    with pytest.raises(SettingsError) as of_environment:
        load_settings(right, environment={variable: value})
    assert str(of_file.value).startswith(f"{path}: {wrong}")
    assert str(of_environment.value).startswith(f"{variable}: {wrong}")


def test_so_is_who_gives_a_client_an_option_that_it_refuses(tmp_path: Path) -> None:
    path = tmp_path / "tickfleet.toml"
    path.write_text(_MINIMAL + "[kafka.producer]\nbatch.size = 0\n", "utf-8")
    with pytest.raises(SettingsError) as of_file:
        load_settings(path, environment={}, check=check_kafka_options)
    variable = "TICKFLEET_KAFKA__PRODUCER__BATCH__SIZE"
    with pytest.raises(SettingsError) as of_environment:
        load_settings(path, environment={variable: "-5"}, check=check_kafka_options)
    assert str(of_file.value).startswith(f"{path}: librdkafka refuses")
    assert str(of_environment.value).startswith(f"{variable}: librdkafka refuses")


def test_what_wins_is_what_is_wrong_and_each_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, _MINIMAL + "a = 1\nb = 1", TICKFLEET_A="2", TICKFLEET_HTTP__PORT="-1")
    said = dict(part.rsplit(": ", 2)[:2][::-1] for part in str(caught.value).split("; "))
    assert said["a is unknown"] == "TICKFLEET_A"
    assert said["b is unknown"] == str(tmp_path / "tickfleet.toml")


def test_a_wrong_value_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(tmp_path, _MINIMAL, TICKFLEET_COMMIT_INTERVAL_MS="hunter2")
    assert "hunter2" not in str(caught.value)


def test_unknown_variables_are_refused_but_those_of_others_are_not(tmp_path: Path) -> None:
    _load(
        tmp_path,
        _MINIMAL,
        TICKFLEET_SERVICE_HOST="10.0.0.1",
        TICKFLEET_SERVICE_PORT_METRICS="9464",
        TICKFLEET_PORT_9464_TCP_ADDR="10.0.0.1",
        TICKFLEET_PORT="tcp://10.0.0.1:9464",
        TICKFLEET_CACHE_DIR="/cache",
        TICKFLEET_TEST_KAFKA="docker",
        TICKFLEET_FAULT="after_step:kill:10",
        TICKFLEET_VENV="/venv",
        TICKFLEET_CONFIG="/fleet.toml",
        OTHER_SETTING="1",
    )
    with pytest.raises(SettingsError, match="comit_interval_ms is unknown: did you mean commit_"):
        _load(tmp_path, _MINIMAL, TICKFLEET_COMIT_INTERVAL_MS="1")


def test_a_variable_cannot_be_both_value_and_table(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TICKFLEET_TOPICS__FLAGS"):
        _load(tmp_path, _MINIMAL, TICKFLEET_TOPICS="x", TICKFLEET_TOPICS__FLAGS="y")


def test_a_files_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    assert _load(tmp_path, "\ufeff" + _MINIMAL).worker.bootstrap_servers == "broker:9092"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read .*none\.toml"):
        load_settings(tmp_path / "none.toml", environment={})


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("TICKFLEET_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TICKFLEET_BOOTSTRAP_SERVERS", "env:9092")
    settings = load_settings(None, defaults={"snapshot_url": "file:///unused"})
    assert settings.worker.bootstrap_servers == "env:9092"
