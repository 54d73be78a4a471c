"""The line nearest to now: jumps and spikes seen, noise and lumpy feeds not; sparse ticks."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from core import Flag, Output, PredictorConfig, compile_step, holder, state_layout
from core.holder.bank import Peak
from core.holder.singularity import Line, fuse_line
from tests.core.holder.paths import Series, fractional_noise
from tests.core.holder.test_detector import detect
from tests.core.scanning import as_input, scan
from tests.core.ticks import drive, packed, random_walks

JUMP = 700


def with_jump(size: float, seed: int, lanes: int = 256) -> Series:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((900, lanes))
    x[JUMP] += size * rng.choice([-1.0, 1.0], lanes)
    return x


def test_a_jump_of_twelve_scales_is_flagged_and_the_bank_alone_misses_it() -> None:
    x = with_jump(12.0, seed=81)
    for estimator, low, high in (("fused", 0.95, 1.0), ("wtmm", 0.95, 1.0), ("bank", 0.0, 0.02)):
        emergency = detect(x, estimator=estimator).emergency
        raised = emergency[JUMP : JUMP + 45, ~emergency[JUMP - 1]]
        assert low <= raised.any(axis=0).mean() <= high, estimator
        # Lines alone are a poor judge of a path without jumps; see docs/detectors.md.
        assert emergency[:JUMP].mean() <= (0.01 if estimator == "wtmm" else 2e-4), estimator


def test_the_exponent_dips_at_a_jump_and_recovers_within_a_buffer() -> None:
    exponent = detect(with_jump(16.0, seed=83)).holder_exponent
    bank = detect(with_jump(16.0, seed=83), estimator="bank").holder_exponent
    assert np.median(exponent[JUMP + 20]) < 0.35 < 0.45 < np.median(bank[JUMP + 20])
    np.testing.assert_allclose(exponent[JUMP + 160], bank[JUMP + 160], atol=1e-12)


def test_a_spike_is_as_singular_as_a_jump() -> None:
    x = with_jump(0.0, seed=85)
    x[JUMP] += 12.0
    x[JUMP + 1] -= 12.0
    assert detect(x).emergency[JUMP : JUMP + 45].any(axis=0).mean() > 0.95


def test_a_ramp_of_the_same_height_is_not() -> None:
    x = 0.2 * with_jump(0.0, seed=87)
    x[JUMP : JUMP + 12] += 1.0
    assert not detect(x).emergency[JUMP : JUMP + 60].any()


def test_volatility_that_has_tripled_soon_makes_no_singularities() -> None:
    x = np.random.default_rng(89).standard_normal((1100, 256))
    x[600:] *= 3.0
    flagged = detect(x).emergency
    assert flagged[700:].mean() < 0.01


@pytest.mark.parametrize("hurst", [0.45, 0.6, 0.8])
def test_lines_do_not_disturb_the_exponent_of_a_path_without_jumps(hurst: float) -> None:
    x = fractional_noise(hurst, 800, 128, np.random.default_rng(91))
    fused, bank = detect(x), detect(x, estimator="bank")
    assert (np.abs(fused.holder_exponent - bank.holder_exponent) > 1e-9).mean() < 0.01


def test_maxima_lines_alone_order_paths_by_their_roughness() -> None:
    means = []
    for hurst in (0.2, 0.5, 0.8):
        x = fractional_noise(hurst, 512, 256, np.random.default_rng(93))
        exponent = detect(x, estimator="wtmm").holder_exponent[-1]
        assert exponent.mean() == pytest.approx(hurst, abs=0.08)
        means.append(exponent.mean())
    assert means[1] - means[0] > 0.2
    assert means[2] - means[1] > 0.2


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_fusion_is_the_mean_by_inverse_variance_with_the_excess_between_them(share: float) -> None:
    rng = np.random.default_rng(95)
    a, b = rng.random(50), rng.random(50)
    sa, sb = 0.02 + 0.2 * rng.random(50), 0.02 + 0.2 * rng.random(50)
    row = functools.partial(np.reshape, shape=(1, -1))
    line = Line(
        Peak(jnp.asarray(row(b)), jnp.asarray(row(sb))),
        jnp.full((1, 50), share),
        jnp.zeros((1, 50), bool),
    )
    fused = fuse_line(Peak(jnp.asarray(row(a)), jnp.asarray(row(sa))), line)
    for i in range(50):
        # DerSimonian & Laird in their general form, for the two studies.
        w = np.array([sa[i], sb[i]]) ** -2.0
        centre = w @ [a[i], b[i]] / w.sum()
        q = w @ (np.array([a[i], b[i]]) - centre) ** 2
        between = share * max(0.0, (q - 1) / (w.sum() - (w**2).sum() / w.sum()))
        w = np.array([1.0, share]) / (np.array([sa[i], sb[i]]) ** 2 + between)
        assert fused.exponent[0, i] == pytest.approx(w @ [a[i], b[i]] / w.sum(), rel=1e-9)
        assert fused.standard_error[0, i] == pytest.approx(w.sum() ** -0.5, rel=1e-9)


def test_while_ticks_are_sparse_nothing_is_read_and_nothing_ages() -> None:
    x = with_jump(16.0, seed=97, lanes=64)
    config = PredictorConfig()

    def run(sparse: Series) -> tuple[dict[str, Any], holder.HolderOutput]:
        return scan(
            holder.fields(config),
            lambda state, row: holder.update(config, state, row[0], sparse=row[1]),
            (as_input(x), jnp.asarray(sparse, bool)),
            lanes=64,
        )

    never = np.zeros(x.shape, bool)
    during = never.copy()
    during[JUMP - 5 : JUMP + 64] = True
    state, seen = run(during)
    fresh_age = float(config.wtmm_buffer_size)
    assert not seen.emergency[JUMP:].any()
    assert (state["holder.line_age"] == fresh_age).all()
    after = never.copy()
    after[JUMP + 60 :] = True  # the jump was read; its line is frozen
    frozen, _ = run(after)
    assert run(never)[0]["holder.line_age"].min() == fresh_age
    assert np.median(frozen["holder.line_age"]) < fresh_age
    # The bank goes on.
    np.testing.assert_array_equal(frozen["holder.long_losses"], state["holder.long_losses"])


def test_the_frequency_warning_freezes_the_readout_in_the_whole_step() -> None:
    step = compile_step(PredictorConfig(), "float64")
    prices = random_walks(900, seed=6)
    prices[JUMP:] += 1.6
    rows = state_layout(PredictorConfig()).slices["holder.line_age"]
    late = np.full(900, 0.01)
    late[JUMP - 5 : JUMP + 5] = 0.2
    ages = {}
    for name, gaps in (("dense", np.full(900, 0.01)), ("sparse", late)):
        ticks = np.stack([packed(p, dt_s=dt) for p, dt in zip(prices, gaps, strict=True)])
        state, out = drive(step, ticks[: JUMP + 40])
        flags = out[JUMP:, Output.FLAGS].astype(int)
        ages[name] = state[rows]
        emergency = (flags & int(Flag.EMERGENCY_MODE)) > 0
        assert emergency.any(axis=0).mean() == pytest.approx(float(name == "dense"), abs=0.05)
        warned = (flags & int(Flag.FREQUENCY_WARNING)) > 0
        assert warned.any() == (name == "sparse")
    assert np.median(ages["dense"]) < 45 < ages["sparse"].min()
