"""FrenchMedMCQA as the trainers of the benchmarks read it."""

import json
import pathlib


def write_rows(data, path, number=None):
    """FrenchMedMCQA's training rows in the order of the file, as the launcher reads them."""
    rows = json.loads((pathlib.Path(data) / "frenchmedmcqa" / "train.json").read_text())[:number]
    with open(path, "w") as file:
        for row in rows:
            choices = "\n".join(f"({label.upper()}) {text}" for label, text in row["answers"].items())
            answer = ", ".join(sorted(label.upper() for label in row["correct_answers"]))
            user = {"role": "user", "content": f"{row['question']}\nChoix de réponses :\n{choices}"}
            messages = [user, {"role": "assistant", "content": answer}]
            file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
