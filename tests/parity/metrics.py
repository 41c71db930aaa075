"""Reference values of the multiple-choice metrics and of bootstrap intervals, by NumPy and SciPy.

Writes metrics.json.
"""

import numpy as np
from scipy.spatial import distance
from scipy.stats import bootstrap

from common import HERE, write_json

LABELS = "ABCDEFGHIJ"
NUM_RESAMPLES = 200_000
RESAMPLES_OF_A_RUN = 10_000

# (gold, predicted, number of choices); a prediction that could not be parsed is the empty set.
ITEMS = [
    ("A", "A", 5),
    ("A", "B", 5),
    ("E", "E", 5),
    ("D", "", 4),
    ("ACE", "ACE", 5),
    ("ACE", "AC", 5),
    ("ACE", "ABCDE", 5),
    ("AB", "CD", 5),
    ("B", "AB", 5),
    ("BCDE", "A", 5),
    ("ABCDE", "ABCDE", 5),
    ("ABC", "", 5),
    ("J", "AJ", 10),
    ("AC", "BC", 3),
]

# name -> (task, indices of its items); one item may stand in several.
SETS = {
    "single": ("mcqu", [0, 1, 2, 3]),
    "single_right": ("mcqu", [0, 2]),
    "several": ("mcq", [4, 5, 6, 7, 8, 9, 10, 11]),
    "several_small": ("mcq", [12, 13, 4]),
}
AGGREGATES = [["single"], ["several"], ["single", "several"], ["single", "single_right", "several", "several_small"]]


def item_metrics(gold, predicted, num_choices):
    """Set metrics as one minus SciPy's distances between the indicator vectors over the choices."""
    g, p = (np.array([label in labels for label in LABELS[:num_choices]]) for labels in (gold, predicted))
    return {
        "exact_match": float(np.array_equal(g, p)),
        "jaccard": float(1 - distance.jaccard(g, p)),
        "hamming_score": float(1 - distance.hamming(g, p)),
    }


def aggregate(names, values):
    """Half the mean over the multi-answer sets and half that over the single-answer sets, or the one mean."""
    by_task = {}
    for name in names:
        by_task.setdefault(SETS[name][0], []).append(values[name]["exact_match"])
    return float(np.mean([np.mean(of_task) for of_task in by_task.values()]))


def interval(values, random):
    """Percentile bootstrap of the mean, and how far one run of fewer resamples strays from it."""
    n = len(values)
    draws = (random.integers(0, n, (RESAMPLES_OF_A_RUN, n)) for _ in range(NUM_RESAMPLES // RESAMPLES_OF_A_RUN))
    means = np.stack([values[drawn].mean(axis=1) for drawn in draws])
    ends = np.quantile(means, [0.025, 0.975])
    runs = np.quantile(means, [0.025, 0.975], axis=1).T
    by_scipy = bootstrap(
        (values,), np.mean, n_resamples=RESAMPLES_OF_A_RUN, batch=1000, method="percentile", rng=random
    ).confidence_interval
    error = float(np.abs(runs - ends).max())
    assert np.abs(np.array(by_scipy) - ends).max() <= error + 1 / n, (by_scipy, ends)
    return {"mean": float(values.mean()), "interval": ends.tolist(), "monte_carlo_error": error}


def main():
    items = [
        {"gold": list(gold), "predicted": list(predicted), "num_choices": n, **item_metrics(gold, predicted, n)}
        for gold, predicted, n in ITEMS
    ]
    sets = {}
    for name, (task, indices) in SETS.items():
        means = {
            metric: float(np.mean([items[i][metric] for i in indices]))
            for metric in ("exact_match", "jaccard", "hamming_score")
        }
        sets[name] = {"task": task, "items": indices, **means}

    random = np.random.default_rng(42)
    base = (random.random(150) < 0.45).astype(float)
    tuned = np.where(random.random(150) < 0.3, random.random(150) < 0.6, base).astype(float)
    jaccard = np.round(random.random(80), 2)
    vectors = {"base": base, "tuned": tuned, "paired_difference": tuned - base, "jaccard": jaccard}
    write_json(
        HERE / "metrics.json",
        {
            "items": items,
            "sets": sets,
            "aggregates": [{"sets": names, "exact_match": aggregate(names, sets)} for names in AGGREGATES],
            "num_resamples": NUM_RESAMPLES,
            "bootstrap": {name: {"values": v.tolist(), **interval(v, random)} for name, v in vectors.items()},
        },
    )


if __name__ == "__main__":
    main()
