#!/usr/bin/env python3
"""Chooses the native and translated rows of the built-in sample, always the same ones.

usage: make_sample.py DATA [OUT]

DATA holds `frenchmedmcqa/` and `mmlu/` in their authors' formats; OUT is `src/sample` by default. Rows are short, free of
what the checks report, and no two of them ask the same question. Among the rows that qualify, those with the smallest
SHA-256 of their identifier are taken and left in the order of their file. Standard library only.
"""

import csv
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

MAX_PROMPT_CHARACTERS = 400
NATIVE_ROWS = {"train": 200, "dev": 40, "test": 50}
# College medicine comes first: clinical knowledge, which is larger, repeats 65 of its questions.
TRANSLATED_SUBJECTS = [
    "college_medicine",
    "anatomy",
    "clinical_knowledge",
    "college_biology",
    "human_aging",
    "medical_genetics",
]
TRANSLATED_ROWS_A_SUBJECT = 50
# Chosen rows that are left out, unreplaced, because their translation is wrong: subject and one-based row of its file.
MISTRANSLATED = {
    ("human_aging", 35),  # a choice left in English: Cryonics
    ("human_aging", 209),  # the end of the question is missing
}

DAMAGE = re.compile("[\u0080-\u009f\ufffd\u0300-\u036f\u0000-\u001f]|Ã|Â|â€|œ\u0301")
PERSONAL = re.compile(
    r"\b(?:MM?\.|Mr\.?|Mmes?|Mlles?|Monsieur|Madame|Mademoiselle|Docteur|Dr\.?|Pr\.?|Mrs\.?|Ms\.?)\s+[A-Z]"
    r"|@|\bnée? le\b|(?:\d{2}[ .-]){4}\d{2}"
)
FRENCH = re.compile(
    r"\b(?:le|la|les|un|une|des|du|de|est|sont|dans|quel|quelle|quels|quelles|suivants|suivantes|parmi|pour|par)\b|[ldnqc]['’]",
    re.IGNORECASE,
)
ENGLISH = re.compile(r"\b(?:the|of|and|which|following|is|are|what|with|by)\b", re.IGNORECASE)


def fold(text):
    """Lower case, no accents, every run of other than letters and digits one space."""
    letters = unicodedata.normalize("NFKD", text)
    kept = [c.lower() if c.isalnum() else " " for c in letters if not unicodedata.combining(c)]
    return " ".join("".join(kept).split())


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def prompt(question, choices):
    lines = [question, "Choix de réponses :", *(f"(A) {choice}" for choice in choices)]
    return "\n".join(lines)


def is_clean(question, choices, correct):
    """Whether a French question is short, whole, and free of damage, personal data and its own answer."""
    folded = [fold(choice) for choice in choices]
    text = prompt(question, choices)
    return (
        len(text) < MAX_PROMPT_CHARACTERS
        and len(fold(question)) >= 15
        and all(folded)
        and len(set(folded)) == len(folded)
        and not any(len(folded[index]) > 3 and folded[index] in fold(question) for index in correct)
        and all(field == field.strip() and "  " not in field for field in [question, *choices])
        and unicodedata.normalize("NFC", text) == text
        and not DAMAGE.search(text.replace("\n", " "))
        and not PERSONAL.search(text)
        and len(FRENCH.findall(question)) >= 2
        and not ENGLISH.search(text)
    )


def asked(fields):
    """What a row asks: its question and the set of its choices, folded."""
    return (fold(fields[0]), *sorted(fold(choice) for choice in fields[1:]))


def smallest(rows, number):
    """The `number` rows with the smallest hashes, of (hash, row), in their own order."""
    if len(rows) < number:
        sys.exit(f"expected at least {number} rows that qualify, found {len(rows)}")
    limit = sorted(key for key, _ in rows)[number - 1]
    return [row for key, row in rows if key <= limit]


def native(data, out):
    files = {name: json.loads((data / "frenchmedmcqa" / f"{name}.json").read_text("utf-8")) for name in NATIVE_ROWS}
    times = {}
    for row in (row for rows in files.values() for row in rows):
        times[fold(row["question"])] = times.get(fold(row["question"]), 0) + 1
    for name, number in NATIVE_ROWS.items():
        groups = {True: [], False: []}
        for row in files[name]:
            letters = sorted(row["answers"])
            correct = [letters.index(letter) for letter in row["correct_answers"]]
            choices = [row["answers"][letter] for letter in letters]
            if times[fold(row["question"])] == 1 and correct and is_clean(row["question"], choices, correct):
                groups[len(correct) == 1].append((digest(row["id"]), row))
        chosen = [row for group in groups.values() for row in smallest(group, number // 2)]
        ids = {row["id"] for row in chosen}
        rows = [row for row in files[name] if row["id"] in ids]
        text = json.dumps(rows, ensure_ascii=False, indent=1)
        (out / "native" / f"{name}.json").write_text(text + "\n", "utf-8")


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def write_csv(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def translated(data, out):
    seen = set()
    for subject in TRANSLATED_SUBJECTS:
        french = read_csv(data / "mmlu" / f"{subject}_test.fr.csv")
        english = read_csv(data / "mmlu" / f"{subject}_test.csv")
        pairs = []
        for number, (row, original) in enumerate(zip(french, english, strict=True), 1):
            question, letter = row[0], row[-1]
            keys = {asked(row[:5]), asked(original[:5])}
            distinct = len({fold(choice) for choice in original[1:5]}) == 4
            single_line = not any("\n" in field for field in row + original)
            same = letter == original[-1] and distinct and single_line and not PERSONAL.search(" ".join(original))
            if same and not keys & seen and is_clean(question, row[1:5], ["ABCD".index(letter)]):
                seen |= keys
                pairs.append((digest(f"{subject}\n{original[0]}"), (number, row, original)))
        chosen = smallest(pairs, TRANSLATED_ROWS_A_SUBJECT)
        chosen = [row for row in chosen if (subject, row[0]) not in MISTRANSLATED]
        write_csv(out / "translated" / f"{subject}_test.fr.csv", [row for _, row, _ in chosen])
        write_csv(out / "translated" / f"{subject}_test.csv", [original for _, _, original in chosen])


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    data = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) == 3 else Path(__file__).resolve().parent.parent / "src" / "sample"
    for folder in ("native", "translated"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    native(data, out)
    translated(data, out)


main()
