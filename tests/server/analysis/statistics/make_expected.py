#!/usr/bin/env python3
"""Expected values of the statistics of patterns, by SciPy and NumPy (Debian: python3-scipy).

  tests/server/analysis/statistics/make_expected.py > tests/server/analysis/statistics/expected.json

Where SciPy has no function, the definition is written out here on its own, without looking at the server's code:
Gini as half the mean absolute difference over the mean, rank-biased overlap by sets, fits by numpy.linalg.lstsq.
"""
import json
import sys

import numpy
import scipy
from scipy import optimize, special, stats

LAYERS, HEADS = 6, 8
N = LAYERS * HEADS


def patterns():
    rng = numpy.random.default_rng(20240915)
    trend = numpy.linspace(1, 3, LAYERS)[:, None]
    first = rng.lognormal(0, 0.9, (LAYERS, HEADS)) * trend
    second = 0.5 * first + rng.lognormal(0, 0.6, (LAYERS, HEADS)) * trend
    return {
        "lognormal": first,
        "related": second,
        "signed": rng.normal(0.1, 1, (LAYERS, HEADS)),
        "tied": rng.integers(0, 5, (LAYERS, HEADS)).astype(float),
        "sparse": numpy.where(rng.random((LAYERS, HEADS)) < 0.7, 0.0, rng.exponential(1, (LAYERS, HEADS))),
        "tiny": first * 1e-9 + 1e-12,
    }


def gini(x):
    return numpy.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())


def dispersion(x):
    shares = (x >= 0).all()
    entropy = stats.entropy(x) if shares else None
    return {
        "gini": gini(x) if shares else None,
        "cv0": stats.variation(x, ddof=0),
        "cv1": stats.variation(x, ddof=1),
        "kurtosis_fisher": stats.kurtosis(x, fisher=True, bias=True),
        "kurtosis_pearson": stats.kurtosis(x, fisher=False, bias=True),
        "entropy": entropy,
        "effective_heads": numpy.exp(entropy) if shares else None,
    }


def top(x, k):
    return set(sorted(range(len(x)), key=lambda i: (-x[i], i))[:k])


def rbo(x, y, p):
    def at(values, depth):
        ranks = stats.rankdata(-values, method="min")
        return {i for i in range(len(values)) if ranks[i] <= depth}

    def agreement(depth):
        left, right = at(x, depth), at(y, depth)
        return 2 * len(left & right) / (len(left) + len(right))

    depths = range(1, len(x) + 1)
    return agreement(len(x)) * p ** len(x) + (1 - p) / p * sum(p**d * agreement(d) for d in depths)


def similarity(x, y):
    k = 7
    common = len(top(x, k) & top(y, k))
    return {
        "pearson": stats.pearsonr(x, y)[0],
        "spearman": stats.spearmanr(x, y)[0],
        "kendall_tau_b": stats.kendalltau(x, y, variant="b")[0],
        "cosine": x @ y / numpy.linalg.norm(x) / numpy.linalg.norm(y),
        "mse": ((x - y) ** 2).mean(),
        "top_k_overlap": common / k,
        "top_k_jaccard": common / (2 * k - common),
        "rbo": rbo(x, y, 0.9),
    }


def student_t(level, degrees):
    """scipy.stats.t.ppf is right to eight digits only."""
    x = special.betaincinv(degrees / 2, 0.5, 1 - level)
    return numpy.sqrt(degrees * (1 / x - 1))


def by_chance(k, n):
    common = numpy.arange(0, k + 1)
    chance = stats.hypergeom(n, k, k).pmf(common)
    return {"k": k, "n": n, "overlap": k / n, "jaccard": (chance * common / (2 * k - common)).sum()}


def r2s(target, fitted, parameters):
    rss = ((target - fitted) ** 2).sum()
    total = ((target - target.mean()) ** 2).sum()
    n = len(target)
    return {
        "residual_squares": rss,
        "r2_centred": 1 - rss / total,
        "r2_uncentred": 1 - rss / (target**2).sum(),
        "r2_adjusted": 1 - (rss / (n - parameters)) / (total / (n - 1)),
    }


def fit(target, basis, kind, intercept):
    """With a free intercept, NNLS has the column of ones twice, once negated."""
    ones = numpy.ones((len(target), 1))
    if kind == "ols":
        design = numpy.hstack([basis, ones]) if intercept else basis
        solution = numpy.linalg.lstsq(design, target, rcond=None)[0]
        constant = solution[-1] if intercept else 0.0
    else:
        design = numpy.hstack([basis, ones, -ones]) if intercept else basis
        solution = optimize.nnls(design, target)[0]
        constant = solution[-2] - solution[-1] if intercept else 0.0
    coefficients = solution[: basis.shape[1]]
    fitted = basis @ coefficients + constant
    result = {"coefficients": coefficients, "intercept": constant}
    result.update(r2s(target, fitted, basis.shape[1] + intercept))
    if kind == "ols":
        rank = design.shape[1]
        variance = result["residual_squares"] / (len(target) - rank)
        errors = numpy.sqrt(numpy.diag(numpy.linalg.inv(design.T @ design)) * variance)
        result["standard_errors"] = errors
        result["half_widths"] = errors * student_t(0.95, len(target) - rank)
        result["condition_number"] = numpy.linalg.cond(design)
        result["scaled_condition_number"] = numpy.linalg.cond(design / numpy.linalg.norm(design, axis=0))
    return result


def decompositions(named):
    names = ["lognormal", "signed", "sparse", "tied"]
    basis = numpy.stack([named[name].ravel() for name in names], axis=1)
    correlations = numpy.corrcoef(basis, rowvar=False)
    cases = []
    for target in ["related", "signed_mix"]:
        y = named["related"].ravel() if target == "related" else 0.7 * basis[:, 0] - 0.4 * basis[:, 1] + 0.3
        for kind in ["ols", "nnls"]:
            for intercept in [False, True]:
                cases.append({"target": y, "kind": kind, "with_intercept": intercept, **fit(y, basis, kind, intercept)})
    return {"basis": names, "vif": numpy.diag(numpy.linalg.inv(correlations)), "cases": cases}


def main():
    named = patterns()
    flat = {name: values.ravel() for name, values in named.items()}
    centred = {name: (values - values.mean(axis=1, keepdims=True)).ravel() for name, values in named.items()}
    pairs = [("lognormal", "related"), ("lognormal", "signed"), ("lognormal", "tied"), ("tied", "sparse"), ("tied", "tied")]
    expected = {
        "made_by": f"numpy {numpy.__version__}, scipy {scipy.__version__}",
        "layers": LAYERS,
        "heads": HEADS,
        "patterns": flat,
        "dispersion": {name: dispersion(values) for name, values in flat.items()},
        "average_ranks": {name: stats.rankdata(flat[name], method="average") for name in ["tied", "lognormal"]},
        "similarity": [
            {"left": left, "right": right, "plain": similarity(flat[left], flat[right]),
             "without_layer_means": similarity(centred[left], centred[right])}
            for left, right in pairs
        ],
        "by_chance": [by_chance(7, 48), by_chance(1, 5), by_chance(40, 48), by_chance(103, 1024), by_chance(5, 5)],
        "student_t": [[level, degrees, student_t(level, degrees)]
                      for level in [0.5, 0.9, 0.95, 0.999] for degrees in [1, 2, 5, 43, 1020, 100000]],
        "quantiles": [[q, numpy.quantile(flat["lognormal"], q)] for q in [0, 0.025, 0.3, 0.5, 0.975, 1]],
        "decomposition": decompositions(named),
    }
    json.dump(expected, sys.stdout, indent=1, default=lambda value: value.tolist())
    print()


main()
