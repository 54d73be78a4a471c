"""Kernel C and the gate for one asset, as plain loops over floats, written from the formulas."""

import math

import numpy as np

__all__ = ["gate_reference", "jump_reference"]


def jump_reference(
    increments: list[float], levels: list[float], scales: list[float], smallest: list[float]
) -> list[float]:
    """Forecasts of kernel C after every tick; increments in scale units, levels in price units.

    Moments of the regression are recomputed at every tick from all the past: no recursion.
    """
    forget = 0.5 ** (1.0 / 1000.0)
    variance = plain = share = rate = jump_mean = 0.0
    drift, features, predicted = np.zeros(4), np.zeros(4), 0.0
    rows: list[tuple[float, float, float, float]] = []  # weight, level before, increment, scale
    forecasts = []
    for n, (r, level, scale, small) in enumerate(
        zip(increments, levels, scales, smallest, strict=True), start=1
    ):
        floor = max(0.05 * plain, share * (small / scale) ** 2, 1e-6)
        deviation = math.sqrt(max(variance, floor))
        jump = n > 32 and abs(r) > 5.0 * (1.0 + 1e-6) * deviation
        if n <= 32 or abs(r) <= 4.0 * (1.0 + 1e-6) * deviation:
            variance += max(1.0 / n, 0.01) * (r * r - variance)
        plain += max(1.0 / n, 1.0 / 360.0) * (r * r - plain)
        slow = max(1.0 / n, 0.001)
        share += slow * ((r != 0.0) - share)
        rate += slow * (jump - rate)
        jump_mean += slow * (r * jump - jump_mean)
        floor = max(0.05 * plain, share * (small / scale) ** 2, 1e-6)
        weight = 0.0 if jump or n == 1 else 1.0 / max(variance, floor)
        rows.append((weight, levels[n - 2] if n > 1 else 0.0, r, scale))
        w = np.array([row[0] for row in rows]) * forget ** np.arange(len(rows) - 1, -1, -1.0)
        x, d = np.array([row[1] for row in rows]), np.array([row[2] for row in rows])
        total = w.sum()
        mean_x = (w * x).sum() / total if total > 0.0 else 0.0
        mean_d = (w * d).sum() / total if total > 0.0 else 0.0
        squares = (w * ((x - mean_x) / scale) ** 2).sum()
        products = (w * (x - mean_x) / scale * (d - mean_d)).sum()
        slope = float(np.clip(products / (squares + 10.0), -1.0, 0.0))
        error = 0.0 if jump else float(np.clip(r - predicted, -4.0, 4.0))
        drift = (1.0 - 1e-4) * drift + 0.005 * error * features / (0.5 + features @ features)
        distance = (level - mean_x) / scale
        spread = max(math.sqrt(squares / max(total, 1e-6)), 1e-3)
        u = float(np.clip(distance / spread, -4.0, 4.0))
        offset = u - np.array([-1.5, -0.5, 0.5, 1.5])
        features = np.exp(-0.5 * offset**2)
        reversion = -math.log(max(1.0 + slope, 1e-3))
        stiffness = abs(-reversion - drift @ (offset * features) / spread)
        explicit = drift @ features
        blend = float(np.clip(stiffness - 1.0, 0.0, 1.0))
        extra = (1.0 - blend) * explicit + blend * explicit / (1.0 + stiffness)
        predicted = float(mean_d + slope * distance + extra)
        forecasts.append(min(max(predicted + jump_mean * (rate > 1e-6), -5.0), 5.0))
    return forecasts


def gate_reference(forecasts: list[float], outcomes: list[float]) -> list[float]:
    """The gate's factor after each pair: slope less half a standard error, within [0, 1]."""
    factors = []
    for n in range(1, len(forecasts) + 1):
        decay = 0.5 ** (np.arange(n - 1, -1, -1.0) / 2000.0)
        prior = 10.0 * 0.5 ** (n / 2000.0)
        f, y = np.array(forecasts[:n]), np.clip(outcomes[:n], -8.0, 8.0)
        squares = (decay * f * f).sum() + 1e-12
        slope = (decay * f * y).sum() / squares
        residual = (decay * y * y).sum() + prior - slope * (decay * f * y).sum()
        error = math.sqrt(max(residual, 0.0) / (decay.sum() + prior) / squares)
        factors.append(min(max(slope - 0.5 * error, 0.0), 1.0))
    return factors
