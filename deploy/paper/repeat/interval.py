"""Means with intervals."""

import math
import statistics


def _tail(t, freedom):
    """P(T > t), t >= 0, of Student's distribution: Simpson's rule over the angle atan(t / sqrt(freedom))."""
    limit, steps = math.atan(t / math.sqrt(freedom)), 2000
    heights = [math.cos(limit * i / steps) ** (freedom - 1) for i in range(steps + 1)]
    area = (heights[0] + heights[-1] + 4 * sum(heights[1:-1:2]) + 2 * sum(heights[2:-1:2])) * limit / steps / 3
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(math.pi)
    return 0.5 - scale * area


def student_quantile(freedom, level=0.95):
    """t with P(|T| <= t) = level."""
    low, high = 0.0, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if _tail(middle, freedom) > (1 - level) / 2 else (low, middle)
    return high


def mean_interval(values):
    """{"n", "mean", "low", "high"}: Student's two-sided 95 % interval of the mean; no interval for fewer than two."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return {"n": len(values), "mean": mean, "low": None, "high": None}
    half = student_quantile(len(values) - 1) * statistics.stdev(values) / math.sqrt(len(values))
    return {"n": len(values), "mean": mean, "low": mean - half, "high": mean + half}
