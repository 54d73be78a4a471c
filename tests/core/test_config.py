"""PredictorConfig: the specification's defaults, refusal of wrong settings, the fingerprint."""

import json

import pytest

from core import FatalError, InvalidConfigError, PredictorConfig

SPECIFIED = {
    "schema_version": "1.0",
    "epsilon": 1e-3,
    "learning_rate": 0.01,
    "log_sig_depth": 3,
    "wtmm_buffer_size": 128,
    "besov_cone_c": 1.5,
    "holder_threshold": 0.4,
    "cusum_h": 5.0,
    "cusum_k": 0.5,
    "grace_period_steps": 20,
    "volatility_alpha": 0.1,
    "staleness_ttl_ns": 500_000_000,
    "besov_nyquist_interval_ns": 100_000_000,
    "inference_recovery_hysteresis": 0.8,
}


def test_defaults_are_the_specifications() -> None:
    settings = PredictorConfig().to_dict()
    assert {name: settings[name] for name in SPECIFIED} == SPECIFIED


def test_json_round_trip() -> None:
    config = PredictorConfig(cusum_h=4.0, holder_base_scale=16, kernel_gate=False)
    assert PredictorConfig.from_json(json.dumps(config.to_dict())) == config


@pytest.mark.parametrize(
    "text",
    [
        '{"cusum": 5.0}',
        '{"cusum_h": true}',
        '{"cusum_h": "5"}',
        '{"log_sig_depth": 3.0}',
        '{"log_sig_depth": 6}',
        '{"epsilon": NaN}',
        '{"kernel_gate": 1}',
        '{"holder_base_scale": 0}',
        '{"holder_base_scale": "lag"}',
        '{"cusum_threshold": "none"}',
        '{"schema_version": 1}',
        '{"holder_estimator": "wavelets"}',
        '{"kernel_a": "burg"}',
        "[]",
        "{",
    ],
)
def test_wrong_settings_are_refused(text: str) -> None:
    with pytest.raises(InvalidConfigError) as caught:
        PredictorConfig.from_json(text)
    assert isinstance(caught.value, FatalError)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("name", "lowest", "below", "highest", "above"),
    [
        ("epsilon", 1e-12, 0.0, 1e12, 2e12),
        ("learning_rate", 0.0, -1e-9, 10.0, 10.1),
        ("log_sig_depth", 2, 1, 5, 6),
        ("wtmm_buffer_size", 32, 31, 4096, 4097),
        ("besov_cone_c", 0.0, -0.1, 10.0, 10.1),
        ("holder_threshold", 0.0, -0.1, 1.0, 1.1),
        ("cusum_h", 1e-6, 0.0, 1e6, 2e6),
        ("cusum_k", 0.0, -0.1, 1e3, 1.1e3),
        ("grace_period_steps", 0, -1, 1_000_000, 1_000_001),
        ("volatility_alpha", 1e-6, 0.0, 1.0, 1.1),
        ("staleness_ttl_ns", 1, 0, 10**18, 10**18 + 1),
        ("besov_nyquist_interval_ns", 1, 0, 10**18, 10**18 + 1),
        ("inference_recovery_hysteresis", 0.01, 0.0, 1.0, 1.1),
        ("holder_base_scale", 1, 0, 1_000_000, 1_000_001),
        ("dgm_every", 1, 0, 1_000_000, 1_000_001),
        ("dgm_entropy_gamma", 0.5, 0.49, 1.0, 1.1),
    ],
)
def test_a_range_ends_where_it_says(
    name: str, lowest: float, below: float, highest: float, above: float
) -> None:
    for inside in (lowest, highest):
        PredictorConfig(**{name: inside})  # type: ignore[arg-type]
    for outside in (below, above):
        with pytest.raises(InvalidConfigError, match=name):
            PredictorConfig(**{name: outside})  # type: ignore[arg-type]


def test_fingerprint_tells_settings_apart_and_nothing_else() -> None:
    base = PredictorConfig().fingerprint()
    assert len(base) == 16
    assert PredictorConfig(cusum_h=5).fingerprint() == base
    assert PredictorConfig(cusum_h=5.0000001).fingerprint() != base
