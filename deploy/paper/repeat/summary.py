"""results.json as text that a person reads."""

from .setting import BASIC, COMPLEX, TASKS

INTERVAL = "mean [Student's 95 % interval of the mean over n runs]"


def number(value, digits=3):
    return "-" if value is None else f"{value:.{digits}f}"


def small(value):
    """Of patterns, whose values are small."""
    return "-" if value is None else f"{value:.2e}"


def with_interval(found):
    if found["low"] is None:
        return f"{number(found['mean'])} (n = {found['n']})"
    return f"{number(found['mean'])} [{number(found['low'])}, {number(found['high'])}] (n = {found['n']})"


def table(header, rows):
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
                     for row in cells)


def dispersion(results):
    rows = []
    for task in TASKS:
        before, after = (results["dispersion"][task][when] for when in ("before", "after"))
        measured = results["measured"][task]
        rows.append([task, *(f"{number(measured['before'][key])} > {number(measured['after'][key])}"
                             for key in ("loss", "accuracy")),
                     *(f"{number(before[key]['value'])} > {number(after[key]['value'])}"
                       for key in ("gini", "cv", "kurtosis_fisher", "effective_heads"))])
    fell = {key: sum(spread["after"][key]["value"] < spread["before"][key]["value"]
                     for spread in map(results["dispersion"].get, TASKS)) for key in ("gini", "cv", "kurtosis_fisher")}
    apart = {direction: sum(clear(results["dispersion"][task], direction) for task in TASKS) for direction in (-1, 1)}
    return "\n".join([
        "1. Selective activation: base model > fine-tuned on the task, on the task's held-out samples", "",
        table(["task", "loss", "accuracy", "gini", "cv", "kurtosis (Fisher)", "effective heads"], rows), "",
        f"The Gini coefficient fell for {fell['gini']} of {len(TASKS)} tasks, CV for {fell['cv']}, kurtosis for "
        f"{fell['kurtosis_fisher']}.",
        f"Gini's 95 % bootstrap intervals (over samples) are apart and lower after for {apart[-1]}, apart and higher "
        f"for {apart[1]} (the paper: all fall)."])


def clear(task, direction):
    """Whether Gini's intervals before and after do not overlap, and it fell (-1) or rose (1)."""
    before, after = (task[when]["gini"]["interval"] for when in ("before", "after"))
    if before is None or after is None:
        return False
    return after[1] < before[0] if direction < 0 else after[0] > before[1]


def similarity(results):
    rows = [[name.replace("_", " "), when, *(number(results["similarity"][when][name][key])
                                             for key in ("mean", "mean_with_parts", "mean_with_other_basic"))]
            for name in results["similarity"]["before"] for when in ("before", "after")]
    matrix = results["similarity"]["after"]["pearson"]["values"]
    return "\n".join([
        "Similarity of tasks' patterns (before: base model; after: each task with its own fine-tuned model)", "",
        table(["measure", "model", "mean of all pairs", "complex with its parts", "complex with other basic tasks"],
              rows),
        "", "Pearson after fine-tuning:",
        table(["", *TASKS], [[task, *(number(value, 2) for value in row)]
                             for task, row in zip(TASKS, matrix, strict=True)])])


def combination(results):
    rows = []
    for task in COMPLEX:
        for quantity in ("before", "after", "change"):
            ols, nnls = (results["combination"][task][quantity][fit] for fit in ("ols", "nnls"))
            null = ols["permutation_null"]
            rows.append([task, quantity, number(ols["r2_centred"]), number(ols["r2_adjusted"]),
                         number(null["quantile_95_r2_centred"]) if null else "-", number(ols["p_value"], 4),
                         number(ols["scaled_condition_number"], 1), number(ols["subset_of_parts_r2_centred"]),
                         f"{ols['rank_of_parts_among_pairs']} of 6", "+".join(ols["best_subset"]),
                         " ".join(f"{basic} {number(nnls['coefficients'][basic]['value'], 2)}" for basic in BASIC),
                         "yes" if nnls["two_largest_are_the_parts"] else "no"])
    return "\n".join([
        "2. Combination: a complex task's pattern by those of add, copy, reverse and sort (change: after less before)",
        "",
        table(["task", "pattern", "R2", "adjusted", "null 95 %", "p", "condition", "R2 of parts", "rank", "best subset",
               "NNLS coefficients", "parts largest"], rows), "",
        "R2: centred, OLS with an intercept; null 95 %: what 95 % of fits to patterns shuffled within layers stay "
        "below;",
        "condition: number of the design with columns of length 1; R2 of parts: by the two tasks it is composed of "
        "alone, rank:",
        "among all pairs (3.5 by chance); best subset: by adjusted R2; parts largest: whether the two largest NNLS",
        "coefficients are the parts' (1 in 6 by chance)."])


def change(results):
    def lines(series, name):
        rows = []
        for task, points in results["change"][series].items():
            for point in points:
                rows.append([task, point["at"], number(point["share_of_change"]), small(point["against_first"]["mse"]),
                             number(point["against_first"]["pearson"]), number(point["against_last"]["pearson"]),
                             number(point["gini"])])
        return table(["task", name, "share of change", "MSE to base", "Pearson to base", "Pearson to last", "gini"],
                     rows)

    return "\n".join([
        "3. Fast change (share of change: root of the MSE to the base model's pattern, relative to the last point's)",
        "", "Along steps:", lines("steps", "step"), "", "Along the number of training rows:", lines("counts", "rows")])


def application(title, found, note):
    arms = [[arm, *(with_interval(found["means"][arm][key]) for key in ("loss", "accuracy"))] for arm in found["arms"]]
    rows = [[name, where, *(with_interval(values[key]) for key in ("loss", "accuracy"))]
            for name, where_values in found["differences"].items() for where, values in where_values.items()]
    return "\n".join([title, "", table(["arm", "held-out loss", "held-out accuracy"], arms), "",
                      "Paired differences (negative loss, positive accuracy: the first is better):",
                      table(["difference", "target", "loss", "accuracy"], rows), "", note,
                      f"All numbers: {INTERVAL}; a run is a complex task and a seed of rows and training order. "
                      "All runs share",
                      "one base model: the intervals say nothing of other base models."])


def plans(results):
    rows = [[run["target"], run["seed"], *(run["samples"].get(task, 0) for task in BASIC)]
            for run in results["mixture"]["runs"]]
    return "Planned rows of the warm-up:\n" + table(["target", "seed", *BASIC], rows)


def selection_note(results):
    found = results["selection"]
    own = found["share_of_target"]
    return (f"Of the chosen rows the target's own: similar {with_interval(own['similar'])}, random "
            f"{with_interval(own['random'])}, by chance {number(found['share_of_target_by_chance'])}.")


def text(results):
    run = results["run"]
    setting = results["setting"]
    head = (f"arXiv 2409.15820 at small scale, setting \"{setting['name']}\": {run['training_steps']} training steps, "
            f"{run['seconds']} s ({run['processor_seconds']} s of processor time)")
    return "\n\n\n".join([
        head, dispersion(results), similarity(results), combination(results), change(results),
        application(f"Application 1: {setting['warm_up_rows']} rows of basic tasks before {setting['scarce_rows']} of "
                    "the complex one", results["mixture"], plans(results)),
        application(f"Application 2: {setting['chosen_rows']} rows chosen from a pool of {setting['pool_rows']} of "
                    "each task",
                    results["selection"], selection_note(results))]) + "\n"
