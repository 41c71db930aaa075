"""Language and near-duplicates of FrenchMedMCQA and MMLU-FR by the libraries in use for it, in one process.

`datasets` holds the rows, lingua names the language of every field, datasketch finds near-duplicates by MinHash of the same
word pairs, with the same number of permutations and the same threshold as the build. Nothing else of the build is done here:
no checks, no exact duplicates, no leaks, no splits, no files. Prints one line of JSON; processor seconds are beside the others because a busy machine stretches those.
"""

import csv
import json
import pathlib
import re
import sys
import time
import unicodedata

from datasets import Dataset, disable_progress_bars
from datasketch import MinHash, MinHashLSH
from lingua import Language, LanguageDetectorBuilder


def rows(data):
    """Questions with their choices."""
    for name in ("train.json", "dev.json", "test.json"):
        for row in json.loads((data / "frenchmedmcqa" / name).read_text(encoding="utf-8")):
            yield {"question": row["question"], "choices": list(row["answers"].values())}
    for path in sorted((data / "mmlu").glob("*_test.fr.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            for row in csv.reader(lines):
                if len(row) == 6:
                    yield {"question": row[0], "choices": row[1:5]}


def folded(text):
    """Lower case, no accents, words of letters and digits."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return re.findall(r"[^\W_]+", "".join(part for part in decomposed if not unicodedata.combining(part)))


def shingles(row):
    """Pairs of words inside each field."""
    found = set()
    for field in (row["question"], *row["choices"]):
        words = folded(field)
        found.update(" ".join(words[at : at + 2]).encode() for at in range(max(1, len(words) - 1)))
    return found


def main():
    disable_progress_bars()
    dataset = Dataset.from_list(list(rows(pathlib.Path(sys.argv[1]))))
    detector = LanguageDetectorBuilder.from_languages(Language.FRENCH, Language.ENGLISH).build()
    # Its models are loaded at the first text.
    detector.detect_language_of("Bonjour")

    def language(row):
        fields = [row["question"], *row["choices"]]
        found = [detector.detect_language_of(field) for field in fields]
        return {"languages": [language.name if language else "" for language in found]}

    clocks = [(time.monotonic(), time.process_time())]
    # The detector cannot be hashed, so the result is named by hand.
    dataset = dataset.map(language, new_fingerprint="languages")
    clocks.append((time.monotonic(), time.process_time()))
    index = MinHashLSH(threshold=0.8, num_perm=128)
    near = 0
    for number, row in enumerate(dataset):
        signature = MinHash(num_perm=128)
        signature.update_batch(list(shingles(row)))
        near += bool(index.query(signature))
        index.insert(str(number), signature)
    clocks.append((time.monotonic(), time.process_time()))
    (begin, cpu_begin), (languages, cpu_languages), (end, cpu_end) = clocks
    result = {
        "records": len(dataset),
        "seconds": round(end - begin, 2),
        "cpu_seconds": round(cpu_end - cpu_begin, 2),
        "cpu_seconds_language": round(cpu_languages - cpu_begin, 2),
        "cpu_seconds_near_duplicates": round(cpu_end - cpu_languages, 2),
        "records_per_second": round(len(dataset) / (end - begin)),
        "records_near": near,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
