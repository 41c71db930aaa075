#!/usr/bin/env python3
"""Fields of MMLU rows as paragraphs for a translator, and its paragraphs as tables again; standard library only.

usage: apertium_rows.py paragraphs DIR            the English fields of 300 rows, each a paragraph of one line
       apertium_rows.py tables DIR FRENCH OUT     OUT/<subject>_test{,.fr,.reference}.csv of the same rows

Rows are taken evenly from every subject and from its whole length; those with line ends inside a field are passed over.
"""

import csv
import sys
from pathlib import Path

NUM_ROWS = 300


def read(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def chosen(directory):
    """Pairs of English and French rows by subject."""
    subjects = sorted(path.name.removesuffix("_test.fr.csv") for path in directory.glob("*_test.fr.csv"))
    subjects = [subject for subject in subjects if (directory / f"{subject}_test.csv").exists()]
    if not subjects:
        sys.exit(f"{directory}: expected <subject>_test.csv beside <subject>_test.fr.csv, found none")
    rows = {}
    for index, subject in enumerate(subjects):
        number = NUM_ROWS // len(subjects) + (index < NUM_ROWS % len(subjects))
        pairs = zip(read(directory / f"{subject}_test.csv"), read(directory / f"{subject}_test.fr.csv"), strict=True)
        pairs = [pair for pair in pairs if not any("\n" in field or not field.strip() for field in pair[0] + pair[1])]
        number = min(number, len(pairs))
        rows[subject] = [pairs[at * len(pairs) // number] for at in range(number)]
    return rows


def paragraphs(directory):
    for pairs in chosen(directory).values():
        for english, _ in pairs:
            for field in english[:-1]:
                print(" ".join(field.split()), end="\n\n")


def tables(directory, french, out):
    translated = french.read_text("utf-8").split("\n\n")
    rows = chosen(directory)
    expected = sum(len(english) - 1 for pairs in rows.values() for english, _ in pairs)
    if len(translated) != expected + 1 or translated[-1]:
        sys.exit(f"{french}: expected {expected} paragraphs, found {len(translated) - 1}")
    rest = iter(translated)
    out.mkdir(parents=True)
    for subject, pairs in rows.items():
        machine = [[*(next(rest) for _ in english[:-1]), english[-1]] for english, _ in pairs]
        english, reference = ([pair[side] for pair in pairs] for side in (0, 1))
        for ending, table in (("", english), (".fr", machine), (".reference", reference)):
            with (out / f"{subject}_test{ending}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(table)


def main():
    match sys.argv[1:]:
        case ["paragraphs", directory]:
            paragraphs(Path(directory))
        case ["tables", directory, french, out]:
            tables(Path(directory), Path(french), Path(out))
        case _:
            sys.exit(__doc__)


main()
