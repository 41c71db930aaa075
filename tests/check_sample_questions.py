#!/usr/bin/env python3
"""Checks the synthetic questions of the built-in sample; exit code 1 and one message a breach where they break a rule."""

import json
import pathlib
import re
import sys
import unicodedata
from collections import Counter

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "src" / "sample" / "synthetic"
LABELS = "ABCDE"
QUESTION_KEYS = ["source_id", "document", "question", "excerpt", "choices", "correct_answers", "evidence"]
DOCUMENT_KEYS = ["id", "text", "authors", "doi", "url", "source", "publication_date", "licence"]

MIN_QUESTIONS, MAX_QUESTIONS = 100, 110
MIN_CASES, MAX_QUESTIONS_PER_CASE = 40, 3
MAX_EXCERPT_CHARACTERS, MAX_CHOICE_CHARACTERS = 350, 60
MULTI_SHARE = (0.30, 0.40)
MAX_LETTER_SHARE = 0.29
MAX_LONGEST_GUESS = 0.33

# An article after "M." is the end of a sentence ("immunoglobulines M. Le diagnostic"), not a name.
PERSONAL = {
    "a name after a title": r"\b(?:M\.|MM\.|Mr\.?|Mme|Mlle|Madame|Monsieur|Mademoiselle|Dr\.?|Pr\.?)\s?(?!(?:Le|La|Les|L|Un|Une)\b)[A-Z]",
    "an e-mail address": r"\S+@\S+\.\S+",
    "a phone number": r"(?:\+\d{2}|\b0)\s?[1-9](?:[ .-]?\d{2}){4}\b",
    "a date of birth": r"\bnée?\s+le\s+\d",
    "a social security number": r"\b[12]\s?\d{2}\s?(?:0[1-9]|1[0-2])\s?\d[\dAB]\s?\d{3}\s?\d{3}\b",
}
CATCH_ALL = re.compile(r"\b(?:toutes? (?:les|ces)|aucune?|tous les items|les deux reponses)\b")


def fold(text):
    """Lower case, no accents, every run of other than letters and digits one space."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain.lower()).split())


def holds(text, phrase):
    """Whether the folded text holds the folded phrase at word boundaries."""
    return f" {fold(phrase)} " in f" {fold(text)} "


def ends_inside_a_word(text, start, end):
    """Whether a cut of the text at `start..end` splits a word."""
    return any(0 < cut < len(text) and text[cut - 1].isalnum() and text[cut].isalnum() for cut in (start, end))


def read(name, keys, findings):
    """Objects of a JSON Lines file; a line that is not one is a finding."""
    rows = []
    for number, line in enumerate((FOLDER / name).read_text(encoding="utf-8").splitlines(), 1):
        row = json.loads(line)
        if list(row) != keys:
            findings.append(f"{name}:{number}: expected the keys {keys}, found {list(row)}")
        else:
            rows.append(row)
    return rows


def check_texts(row, findings):
    """Personal data, catch-all choices and answers that stand in the question or, alone, in the excerpt."""
    where, choices, gold = row["source_id"], row["choices"], row["correct_answers"]
    for text in [row["question"], row["excerpt"], *choices.values()]:
        findings.extend(f"{where}: {what} in {text!r}" for what, rule in PERSONAL.items() if re.search(rule, text))
        if any(unicodedata.category(c) == "Cc" for c in text) or unicodedata.normalize("NFC", text) != text:
            findings.append(f"{where}: control character or decomposed accent in {text!r}")
    for label, choice in choices.items():
        if not 1 <= len(choice) <= MAX_CHOICE_CHARACTERS or CATCH_ALL.search(fold(choice)):
            findings.append(f"{where}: choice {label} is too long, empty or a catch-all: {choice!r}")
        if label in gold and holds(row["question"], choice):
            findings.append(f"{where}: the correct choice {choice!r} stands in the question")
    quoted = {label for label, choice in choices.items() if holds(row["excerpt"], choice)}
    if quoted & set(gold) and not quoted - set(gold):
        findings.append(f"{where}: only correct choices stand in the excerpt: {sorted(quoted)}")
    if not row["question"].endswith(" ?"):
        findings.append(f"{where}: the question does not end with ' ?'")


def check_row(row, texts, findings):
    """Labels, quotations and texts of one question; returns whether its labels can be counted."""
    where, choices, gold = row["source_id"], row["choices"], row["correct_answers"]
    if "".join(choices) != LABELS or not gold or gold != sorted(set(gold)) or not set(gold) <= set(LABELS):
        findings.append(f"{where}: expected choices A to E and sorted gold letters among them, found {list(choices)} and {gold}")
        return False
    if len(gold) > 4:
        findings.append(f"{where}: every choice is correct")
    if len({fold(choice) for choice in choices.values()}) < len(LABELS):
        findings.append(f"{where}: two choices fold to the same text")
    text, excerpt = texts.get(row["document"], ""), row["excerpt"]
    start = text.find(excerpt)
    if start < 0 or ends_inside_a_word(text, start, start + len(excerpt)) or excerpt != excerpt.strip():
        findings.append(f"{where}: the excerpt is not a passage of {row['document']} between word boundaries")
    if not 0 < len(excerpt) <= MAX_EXCERPT_CHARACTERS:
        findings.append(f"{where}: the excerpt has {len(excerpt)} characters, at most {MAX_EXCERPT_CHARACTERS} allowed")
    if not row["evidence"] or row["evidence"] not in excerpt:
        findings.append(f"{where}: the evidence does not stand in the excerpt")
    check_texts(row, findings)
    return True


def longest_is_gold(row):
    """Whether a guesser that takes the longest choices can be right, ties broken in its favour."""
    gold, lengths = row["correct_answers"], {label: len(choice) for label, choice in row["choices"].items()}
    return min(lengths[label] for label in gold) >= max((n for label, n in lengths.items() if label not in gold), default=0)


def check_shares(rows, findings):
    """Shares over the whole set; returns the line that states them."""
    single = [row for row in rows if len(row["correct_answers"]) == 1]
    multi = [row for row in rows if len(row["correct_answers"]) > 1]
    letters = Counter(label for row in rows for label in row["correct_answers"])
    cases = Counter(row["document"] for row in rows)
    share = len(multi) / len(rows)
    if not MULTI_SHARE[0] <= share <= MULTI_SHARE[1]:
        findings.append(f"multi-answer questions are {share:.1%}, expected {MULTI_SHARE[0]:.0%} to {MULTI_SHARE[1]:.0%}")
    for label in LABELS:
        if letters[label] > MAX_LETTER_SHARE * len(rows):
            findings.append(f"{label} is a gold letter of {letters[label]} in {len(rows)} questions, at most {MAX_LETTER_SHARE:.0%} allowed")
    guesses = {}
    for name, part in (("single", single), ("multi", multi)):
        guesses[name] = sum(map(longest_is_gold, part)) / max(len(part), 1)
        if guesses[name] >= MAX_LONGEST_GUESS:
            findings.append(f"the longest choices are the {name}-answer gold in {guesses[name]:.1%}, under {MAX_LONGEST_GUESS:.0%} expected")
    if not MIN_QUESTIONS <= len(rows) <= MAX_QUESTIONS or len(cases) < MIN_CASES or max(cases.values()) > MAX_QUESTIONS_PER_CASE:
        findings.append(f"{len(rows)} questions of {len(cases)} cases, at most {max(cases.values())} a case, are outside the limits")
    counts = " ".join(f"{label} {letters[label]}" for label in LABELS)
    return (
        f"{len(rows)} questions, {len(single)} single- and {len(multi)} multi-answer, {len(cases)} cases; gold letters {counts}; "
        f"longest choice right in {guesses['single']:.1%} of single, {guesses['multi']:.1%} of multi"
    )


def main():
    """Checks both files and returns the exit code."""
    findings = []
    documents = read("documents.jsonl", DOCUMENT_KEYS, findings)
    rows = read("questions.jsonl", QUESTION_KEYS, findings)
    texts = {document["id"]: document["text"] for document in documents}
    for document in documents:
        if document["licence"] != "CC BY 4.0" or not document["authors"] or not (document["doi"] or document["url"]):
            findings.append(f"{document['id']}: licence, authors or source missing")
        findings.extend(f"{document['id']}: {what}" for what, rule in PERSONAL.items() if re.search(rule, document["text"]))
    for name, values in (
        ("source_id", [row["source_id"] for row in rows]),
        ("question and choices", [fold(row["question"] + str(sorted(row["choices"].values()))) for row in rows]),
        ("document", [document["id"] for document in documents]),
    ):
        findings.extend(f"{name} repeated: {value}" for value, times in Counter(values).items() if times > 1)
    if {row["document"] for row in rows} != set(texts):
        findings.append("the documents are not exactly those that the questions use")
    countable = [row for row in rows if check_row(row, texts, findings)]
    summary = check_shares(countable, findings) if countable else "no question can be read"
    sys.stdout.write("".join(f"{finding}\n" for finding in findings) + summary + "\n")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
