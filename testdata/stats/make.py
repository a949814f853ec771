#!/usr/bin/env python3
"""Writes the figures that tests/it/statistics.rs compares with, as scipy and numpy compute them.

    pip install scipy==1.17.1 && python3 testdata/stats/make.py
"""

import json
import pathlib

import numpy as np
import scipy
from scipy import special, stats

HERE = pathlib.Path(__file__).parent
rng = np.random.default_rng(20261124)


def latencies(n, median_ns, sigma, distinct=True):
    """Durations as a server has them: log-normal, in whole ns, with ties where not distinct."""
    values = rng.lognormal(np.log(median_ns), sigma, n)
    unit = 1 if distinct else median_ns / 8
    return [max(1, int(round(v / unit) * unit)) for v in values]


def write(name, rows):
    head = {"made_by": "testdata/stats/make.py", "scipy": scipy.__version__, "numpy": np.__version__}
    lines = ",\n  ".join(json.dumps(row) for row in rows)
    text = f'{{"about": {json.dumps(head)},\n "cases": [\n  {lines}\n]}}\n'
    (HERE / name).write_text(text)


def mann_whitney():
    pairs = [([1], [2]), ([5], [5]), ([1, 2, 3], [1, 2, 3]), ([7] * 9, [7] * 12), ([1, 2, 3], [4, 5, 6])]
    for n1, n2 in [(2, 3), (3, 9), (5, 8), (8, 8), (8, 40), (1, 200), (8, 1000), (9, 9), (12, 30), (150, 220)]:
        pairs.append((latencies(n1, 17_900_000, 0.8), latencies(n2, 29_400_000, 0.9)))
        pairs.append((latencies(n1, 17_900_000, 0.8), latencies(n2, 17_900_000, 0.8)))
        pairs.append((latencies(n1, 800_000, 0.5, False), latencies(n2, 900_000, 0.5, False)))
    for base, new in pairs:
        p = stats.mannwhitneyu(base, new, alternative="two-sided", use_continuity=True, method="auto").pvalue
        yield {"base": base, "new": new, "p": float(p)}


def quantiles():
    for n in [1, 2, 3, 9, 10, 19, 20, 21, 99, 100, 101, 250]:
        values = latencies(n, 5_000_000, 1.0)
        # Nearest rank is what numpy calls the inverse of the empirical distribution.
        wanted = {f"p{q}": int(np.percentile(values, q, method="inverted_cdf")) for q in (50, 90, 95, 99)}
        yield {"values": values, **wanted}


def nearest_rank(p):
    def statistic(values, axis=-1):
        k = int(np.ceil(values.shape[axis] * p)) - 1
        return np.take(np.partition(values, k, axis=axis), k, axis=axis)

    return statistic


def bootstrap():
    figures = {"mean": np.mean, "p50": nearest_rank(0.5), "p90": nearest_rank(0.9)}
    for n1, n2, ratio in [(30, 40, 1.0), (120, 90, 1.4), (200, 200, 0.7)]:
        base, new = latencies(n1, 15_000_000, 0.7), latencies(n2, 15_000_000 * ratio, 0.7)
        for name, figure in figures.items():
            interval = stats.bootstrap(
                (np.array(new, float), np.array(base, float)),
                lambda a, b, axis=-1: figure(a, axis=axis) - figure(b, axis=axis),
                method="percentile", n_resamples=50_000, confidence_level=0.95, rng=rng, batch=2_000,
            ).confidence_interval
            yield {"figure": name, "base": base, "new": new, "low": float(interval.low), "high": float(interval.high)}


def erfc():
    for x in [-6, -2.5, -1, -1e-3, 0, 1e-9, 0.1, 0.5, 1, 1.5, 1.9999, 2, 2.0001, 2.5, 3, 4, 5, 8, 12, 20, 26]:
        yield {"x": x, "erfc": float(special.erfc(x))}


def fisher():
    tables = [(3, 4, 1, 4), (39, 40, 2, 41), (0, 10, 10, 10), (5, 10, 5, 10), (10, 100, 20, 100), (200, 1000, 250, 1000)]
    tables += [(1, 10, 11, 14), (7, 9, 0, 300), (12_000, 20_000, 12_300, 20_100), (0, 0, 3, 9)]
    for some, of_all, other, of_others in tables:
        p = stats.fisher_exact([[some, of_all - some], [other, of_others - other]]).pvalue
        yield {"some": [some, other], "all": [of_all, of_others], "p": float(p)}


write("fisher.json", fisher())
write("mann_whitney.json", mann_whitney())
write("quantiles.json", quantiles())
write("bootstrap.json", bootstrap())
write("erfc.json", erfc())
