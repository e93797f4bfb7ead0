"""The paper's three findings: selective activation, combination, fast change."""

import itertools
import statistics

from .programs import say
from .setting import BASIC, COMPLEX, PARTS, TASKS

DISPERSION = ("gini", "cv", "kurtosis_fisher", "effective_heads")


def dispersion(service, jobs, pool):
    """{task: {"before", "after": {quantity: {"value", "interval"}}}}: over the heads of the task's own pattern."""
    def describe(job):
        found = service.ask("describe", job)
        return {key: {"value": found[key], "interval": found["intervals"][key]} for key in DISPERSION}

    pairs = [(task, when) for task in TASKS for when in ("before", "after")]
    found = list(pool.map(lambda pair: describe(jobs[pair[1]][pair[0]]), pairs))
    result = {task: {} for task in TASKS}
    for (task, when), values in zip(pairs, found, strict=True):
        result[task][when] = values
    return result


def similarity(service, jobs):
    """{"before", "after": matrices of all tasks with all}, and how alike complex tasks are to parts and others."""
    result = {"tasks": TASKS}
    for when in ("before", "after"):
        found = service.ask("compare", *(jobs[when][task] for task in TASKS), "--measure", "pearson,spearman")
        matrices = {"pearson": found["pearson"], "spearman": found["spearman"],
                    "pearson_layer_means_removed": found["layer_means_removed"]["pearson"],
                    "spearman_layer_means_removed": found["layer_means_removed"]["spearman"]}
        result[when] = {name: matrix | groups(matrix["values"])
                        for name, matrix in ((name, {"values": values}) for name, values in matrices.items())}
    return result


def groups(matrix):
    """Means over pairs of tasks: all, complex ones with their parts, complex ones with other basic tasks."""
    def mean(pairs):
        return statistics.fmean(matrix[TASKS.index(a)][TASKS.index(b)] for a, b in pairs)

    return {"mean": mean(itertools.combinations(TASKS, 2)),
            "mean_with_parts": mean((task, part) for task in COMPLEX for part in PARTS[task]),
            "mean_with_other_basic": mean((task, other) for task in COMPLEX for other in BASIC
                                          if other not in PARTS[task])}


def fitted(found, task):
    """What is kept of a decomposition by all basic tasks."""
    used = [basic for basic in BASIC if found["coefficients"][BASIC.index(basic)] > 0]
    best = sorted(used, key=lambda basic: -found["coefficients"][BASIC.index(basic)])[:2]
    result = {key: found[key] for key in ("r2_centred", "r2_uncentred", "r2_adjusted", "r2_with_intercept", "intercept",
                                          "p_value", "condition_number", "scaled_condition_number")}
    result["permutation_null"] = found.get("permutation_null")
    result["coefficients"] = {
        basic: {"value": found["coefficients"][i], "interval": found["coefficient_intervals"][i],
                "vif": found["vif"][i]}
        for i, basic in enumerate(BASIC)}
    result["parts"] = PARTS[task]
    result["two_largest"] = best
    result["two_largest_are_the_parts"] = set(best) == set(PARTS[task])
    if found.get("subsets"):
        names = dict(zip(found["basis"], BASIC, strict=True))
        result["best_subset"] = [names[member] for member in found["subsets"][0]["members"]]
        pairs = {frozenset(names[member] for member in subset["members"]): subset["r2_centred"]
                 for subset in found["subsets"] if len(subset["members"]) == 2}
        of_parts = pairs[frozenset(PARTS[task])]
        result["subset_of_parts_r2_centred"] = of_parts
        # 1 is the best of the six.
        result["rank_of_parts_among_pairs"] = 1 + sum(value > of_parts for value in pairs.values())
    return result


def combination(setting, service, jobs, pool):
    """{task: {quantity: {fit}}} for the pattern before, after and its change; by OLS with an intercept and by NNLS."""
    before, after = jobs["before"], jobs["after"]
    fits = {"ols": ("--fit", "ols", "--intercept", "--subsets"), "nnls": ("--fit", "nnls")}

    def decompose(item):
        task, quantity, fit = item
        ends = before if quantity == "before" else after
        base, basis_base = (before[task], [before[b] for b in BASIC]) if quantity == "change" else (None, None)
        found = service.decompose(ends[task], base, [ends[b] for b in BASIC], basis_base, *fits[fit], "--permutations",
                                  setting.permutations)
        return fitted(found, task)

    items = list(itertools.product(COMPLEX, ("before", "after", "change"), fits))
    result = {task: {"before": {}, "after": {}, "change": {}} for task in COMPLEX}
    for (task, quantity, fit), found in zip(items, pool.map(decompose, items), strict=True):
        result[task][quantity][fit] = found
    return result


def trajectory(service, labelled):
    """Points of (label, job) pairs, the first of which is the base model's, labelled 0."""
    found = service.ask("track", *(job for _, job in labelled))["points"]
    points = [{"at": label, "gini": point["gini"], "cv": point["cv"], "kurtosis_fisher": point["kurtosis_fisher"],
               "against_first": point["against_first"], "against_last": point["against_last"]}
              for (label, _), point in zip(labelled, found, strict=True)]
    whole = points[-1]["against_first"]["mse"]
    for point in points:
        # 0 at the base model, 1 at the last point; may exceed 1 on the way.
        point["share_of_change"] = (point["against_first"]["mse"] / whole) ** 0.5 if whole else None
    return points


def change(setting, service, jobs, pool):
    """{"steps": {task: points}, "counts": {task: points}}."""
    def along(series, task):
        return trajectory(service, [(0, jobs["before"][task])] + sorted(jobs[series][task].items()))

    say("following the patterns along steps and sample counts")
    return {series: dict(zip(tasks, pool.map(lambda task: along(series, task), tasks), strict=True))
            for series, tasks in (("steps", TASKS), ("counts", setting.counted_tasks))}
