"""Learns `learned.txt`: which French word stems translate an English one, from aligned texts (IBM model 1 both ways).

    python3 learn.py DATA    (DATA holds `mmlu/` and `tico19/`; standard library only, the same bytes each time)

Learned from: the rows of the MMLU subjects in SUBJECTS (MIT) and the TICO-19 units whose index is not divisible by three
(CC0), MISALIGNED aside. The other subjects and units are for measuring.
"""

import csv
import html
import math
import pathlib
import re
import sys
import unicodedata
from collections import Counter, defaultdict

SUBJECTS = ["college_medicine", "high_school_biology", "high_school_psychology", "professional_psychology"]
# Units of TICO-19's file whose French is another unit's.
MISALIGNED = [range(462, 735), range(1085, 1094), range(1106, 1121)]
NUM_ITERATIONS = 6
MIN_SCORE = 0.12
MAX_TRANSLATIONS = 6
# Words of grammar: they stand everywhere, so that their presence in a translation proves nothing.
GRAMMAR = set(
    "a an the of to in and is are was were be been being that which for with on by as at from or this these those it its "
    "their his her he she they them you your we our i has have had do does did will would can could may might should must "
    "if than then there what who whom when where how why also such so but into about each other some any most more".split()
)


def fold(text):
    """Lower case, no accents, words separated by one space: `text::fold`."""
    letters = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.category(c).startswith("M"))
    return "".join(c.lower() if c.isalnum() else " " for c in letters).split()


def stem(word):
    """First six letters without a plural's ending: `words::stem`."""
    if len(word.encode()) > 3 and word[-1] in "sx":
        word = word[:-1]
    return word[:6]


def stems(text):
    return list(dict.fromkeys(stem(word) for word in fold(text) if not any(c.isdigit() for c in word)))


def mmlu(folder):
    for subject in SUBJECTS:
        english, french = (
            list(csv.reader((folder / f"{subject}_test{ending}").open(encoding="utf-8", newline="")))
            for ending in (".csv", ".fr.csv")
        )
        for original, translation in zip(english, french, strict=True):
            yield from zip(original[:5], translation[:5], strict=True)


def tico(path):
    units = re.findall(
        r'<tuv xml:lang="en">\s*<seg>(.*?)</seg>.*?<tuv xml:lang="fr">\s*<seg>(.*?)</seg>', path.read_text(encoding="utf-8"), re.S
    )
    for index, unit in enumerate(units):
        if index % 3 != 0 and not any(index in stretch for stretch in MISALIGNED):
            yield tuple(html.unescape(text) for text in unit)


def model_1(pairs):
    """t[source][target] by expectation maximisation, with an empty source word."""
    cooccurring = defaultdict(set)
    for source, target in pairs:
        for word in [*source, None]:
            cooccurring[word].update(target)
    probability = {word: dict.fromkeys(sorted(targets), 1 / len(targets)) for word, targets in cooccurring.items()}
    for _ in range(NUM_ITERATIONS):
        counts = {word: dict.fromkeys(targets, 0.0) for word, targets in probability.items()}
        for source, target in pairs:
            words = [*source, None]
            for found in target:
                shares = [probability[word][found] for word in words]
                total = sum(shares)
                for word, share in zip(words, shares):
                    counts[word][found] += share / total
        for word, targets in counts.items():
            total = sum(targets.values()) or 1.0
            probability[word] = {found: count / total for found, count in targets.items() if count / total > 1e-4}
            for found in targets.keys() - probability[word].keys():
                probability[word][found] = 1e-4
    return probability


def main():
    data = pathlib.Path(sys.argv[1])
    texts = [*mmlu(data / "mmlu"), *tico(data / "tico19" / "all.en-fr.tmx")]
    pairs = [(stems(english), stems(french)) for english, french in texts]
    pairs = [(english, french) for english, french in pairs if english and french]
    forward = model_1(pairs)
    backward = model_1([(french, english) for english, french in pairs])
    together = Counter((e, f) for english, french in pairs for e in english for f in french)
    ignored = {stem(word) for word in GRAMMAR}
    lines = []
    for english in sorted(word for word in forward if word is not None and word not in ignored):
        scored = []
        for french, probability in forward[english].items():
            score = math.sqrt(probability * backward[french].get(english, 0.0))
            count = together[english, french]
            # One meeting proves little.
            score *= count / (count + 0.5)
            if score >= MIN_SCORE and len(french) > 1:
                scored.append((-round(10 * score), french))
        scored = sorted(scored)[:MAX_TRANSLATIONS]
        if scored:
            lines.append(" ".join([english, *(f"{french}:{max(1, min(9, -score))}" for score, french in scored)]))
    target = pathlib.Path(__file__).with_name("learned.txt")
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{target}: {len(lines)} words, {target.stat().st_size} bytes, from {len(pairs)} pairs of texts")


if __name__ == "__main__":
    main()
