"""Makes a large corpus in the format of FrenchMedMCQA by recombining real rows, with planted copies.

A question is the first half of one real question and the second half of another; its choices are drawn one by one from
the choices of all real questions; three in ten records begin with two or three short sentences of real clinical cases and
translations. Each draw is seeded by the record's number, so that no text depends on how many records are made. Two records
share a half question, a choice or a sentence, never more: the build's own comparison of all records is the check.

A corpus N times as large has N variants of each half question, sentence and longer choice, in which one word in four is another
one: else each would stand in N times as many records, and pairs of records that share one would grow by the square of N.

Planted, each after its model and with its number in the identifier: exact duplicates (choices in another order, other
letters' case), near ones (one to three words changed, a word left out, or choices in another order with one word changed),
and leaks (a test question that stands in a training record between other sentences).
"""

import argparse
import csv
import json
import pathlib
import random
import re

SPLITS = (("train.json", 0.90), ("dev.json", 0.05), ("test.json", 0.05))
EXACT, NEAR, LEAKS = 0.01, 0.01, 0.001


def real_rows(data):
    """Questions with their choices, and sentences, of the real corpora."""
    questions = []
    for name in ("train.json", "dev.json", "test.json"):
        for row in json.loads((data / "frenchmedmcqa" / name).read_text(encoding="utf-8")):
            questions.append((row["question"], list(row["answers"].values())))
    for path in sorted((data / "mmlu").glob("*_test.fr.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            questions.extend((row[0], row[1:5]) for row in csv.reader(lines) if len(row) == 6)
    sentences = []
    for path in sorted((data / "e3c_fr").glob("*.json")):
        sentences.extend(re.split(r"(?<=[.!?])\s+", json.loads(path.read_text(encoding="utf-8"))["text"]))
    translations = (data / "tico19" / "all.en-fr.tmx").read_text(encoding="utf-8")
    sentences.extend(re.findall(r'<tuv xml:lang="fr[^"]*">\s*<seg>([^<]*)</seg>', translations))
    return questions, [sentence for sentence in sentences if 40 <= len(sentence) <= 110]


class Corpus:
    """Draws records from the parts of real ones."""

    def __init__(self, data, seed, num_variants):
        questions, self.sentences = real_rows(data)
        halves = [question.split() for question, _ in questions if 6 <= len(question.split()) <= 60]
        self.begins = sorted({" ".join(words[: len(words) // 2]) for words in halves})
        self.ends = sorted({" ".join(words[len(words) // 2 :]) for words in halves})
        self.choices = sorted({choice for _, choices in questions for choice in choices if len(choice) >= 4})
        self.words = sorted({word for words in halves for word in words if word.isalpha() and len(word) >= 5})
        self.seed, self.num_variants = seed, num_variants

    def variant(self, part, draw):
        """The part, or a variant of it; one of fewer than four words has none."""
        words = part.split()
        number = draw.randrange(self.num_variants) if 1 < self.num_variants and 4 <= len(words) else 0
        if number == 0:
            return part
        change = random.Random(f"{self.seed}/{part}/{number}")
        for place in change.sample(range(len(words)), (len(words) + 3) // 4):
            words[place] = change.choice(self.words)
        return " ".join(words)

    def draw(self, number):
        """The record of this number."""
        draw = random.Random(f"{self.seed}/{number}")
        question = " ".join(self.variant(draw.choice(halves), draw) for halves in (self.begins, self.ends))
        if draw.random() < 0.3:
            sentences = draw.sample(self.sentences, draw.randint(2, 3))
            question = " ".join(self.variant(sentence, draw) for sentence in sentences) + " " + question
        texts, folded = [], set()
        while len(texts) < 4 + (number % 2):
            choice = self.variant(draw.choice(self.choices), draw)
            key = "".join(filter(str.isalnum, choice.lower()))
            if key and key not in folded:
                folded.add(key)
                texts.append(choice)
        answers = dict(zip("abcde", texts))
        gold = sorted(draw.sample(sorted(answers), draw.randint(1, 3)))
        return {"id": str(number), "question": question, "answers": answers, "correct_answers": gold}

    def reordered(self, row, draw):
        """The same choices in another order, of which the same ones are correct."""
        letters = list(row["answers"])
        draw.shuffle(letters)
        answers = {new: row["answers"][old] for new, old in zip("abcde", letters)}
        gold = sorted(new for new, old in zip("abcde", letters) if old in row["correct_answers"])
        return {**row, "answers": answers, "correct_answers": gold}

    def exact(self, row, draw):
        """The same question: another order of the choices, another case."""
        return {**self.reordered(row, draw), "question": row["question"].upper()}

    def near(self, row, draw):
        """Nearly the same question."""
        words = row["question"].split()
        kind = draw.choice(("changed", "left out", "reordered"))
        if kind == "reordered":
            row = self.reordered(row, draw)
        if kind == "left out":
            del words[draw.randrange(len(words))]
        else:
            for _ in range(draw.randint(1, 1 + len(words) // 15)):
                words[draw.randrange(len(words))] = draw.choice(self.words)
        return {**row, "question": " ".join(words)}

    def leak(self, row, draw):
        """A training record that holds the whole of a test question and its choices."""
        parts = draw.sample(self.sentences, 2)
        return {**row, "question": f"{parts[0]} {row['question']} {parts[1]}"}


class JsonList:
    """A JSON list written element by element."""

    def __init__(self, path):
        self.file = path.open("w", encoding="utf-8")
        self.separator = "["

    def add(self, row):
        self.file.write(self.separator + json.dumps(row, ensure_ascii=False))
        self.separator = ",\n"

    def close(self):
        self.file.write("]\n" if self.separator != "[" else "[]\n")
        self.file.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("data", type=pathlib.Path, help="folder of the real corpora")
    parser.add_argument("out", type=pathlib.Path, help="folder to be made: native/*.json and build.toml")
    parser.add_argument("--records", type=int, default=571_436)
    parser.add_argument("--variants", type=int, default=1, help="of each half question, sentence and longer choice")
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    corpus = Corpus(arguments.data, arguments.seed, arguments.variants)
    native = arguments.out / "native"
    native.mkdir(parents=True, exist_ok=True)
    files = {name: JsonList(native / name) for name, _ in SPLITS}
    planted = {"exact": [], "near": [], "leak": []}
    number, written = 0, 0
    while written < arguments.records:
        row = corpus.draw(number)
        draw = random.Random(f"{arguments.seed}/plant/{number}")
        place, kind = draw.random(), draw.random()
        name = next(name for (name, _), end in zip(SPLITS, (0.90, 0.95, 1.0)) if place < end)
        files[name].add(row)
        written += 1
        copy, into = None, name
        if kind < EXACT:
            label, copy = "exact", corpus.exact(row, draw)
        elif kind < EXACT + NEAR:
            label, copy = "near", corpus.near(row, draw)
        elif name == "test.json" and kind < EXACT + NEAR + LEAKS / 0.05:
            label, copy, into = "leak", corpus.leak(row, draw), "train.json"
        if copy is not None and written < arguments.records:
            files[into].add({**copy, "id": f"{label}-{number}"})
            planted[label].append(str(number))
            written += 1
        number += 1
    for file in files.values():
        file.close()
    (arguments.out / "build.toml").write_text('[[source]]\nname = "frenchmedmcqa"\npath = "native"\n', encoding="utf-8")
    # The numbers of the models; benches/build_scale/score.rs looks for them among the rejected.
    (arguments.out / "planted.json").write_text(json.dumps(planted) + "\n", encoding="utf-8")
    print(json.dumps({"records": written, **{label: len(numbers) for label, numbers in planted.items()}}))


if __name__ == "__main__":
    main()
