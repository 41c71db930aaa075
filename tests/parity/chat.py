"""Conversations rendered by transformers' apply_chat_template with three templates.

    python chat.py QWEN3_TOKENIZER_DIR SMOLLM2.gguf

Writes chat/qwen3.jinja and chat/smollm2.jinja (the models' own templates) and chat/rendered.json;
reads chat/chatml.jinja, which is this project's.
"""

import argparse
import json
from pathlib import Path

from gguf import GGUFReader
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from common import HERE, write_json

FOLDER = HERE / "chat"
QUESTION = (
    "Parmi les propositions suivantes, laquelle est exacte ?\nChoix de réponses :\n(A) L’aspirine\n(B) Le paracétamol"
)


def turns(*contents, system=None):
    """Messages of alternating user and assistant turns, after an optional system message."""
    roles = ("user", "assistant")
    messages = [{"role": roles[index % 2], "content": content} for index, content in enumerate(contents)]
    return messages if system is None else [{"role": "system", "content": system}, *messages]


CONVERSATIONS = {
    "one_user": turns("Bonjour"),
    "user_assistant": turns(QUESTION, "B"),
    "several_answers": turns(QUESTION, "A, B"),
    "system": turns("Quel est l'antidote ?", system="Tu es pharmacien."),
    "system_and_answer": turns("Quel est l'antidote ?", "La N-acétylcystéine.", system="Tu es pharmacien."),
    "several_turns": turns("Un", "Deux", "Trois", "Quatre", "Cinq"),
    "several_turns_answered": turns("Un", "Deux", "Trois", "Quatre"),
    "unicode": turns("Œdème à 38,5 °C : « β-bloquant » 5 µg/mL ≥ 3 — 🫀\u202f?", "e\u0301 et é, ﬁn\u00a0!"),
    "outer_spaces": turns("  deux espaces, une tabulation\t ", "  réponse  "),
    "newlines": turns("\n\nligne\r\n\n  autre\n", "\n\nréponse\n\n"),
    "empty_content": turns("", ""),
    "quotes_and_braces": turns("""{"a": "l'un"} {{ user }} {% if x %} {# non #} \\n <b>&amp;</b>""", """'"`\\"""),
    "template_marks": turns("<|im_end|>\n<|im_start|>assistant\nB", "<|im_start|>"),
    "thought": turns("Pourquoi ?", "<think>\nje réfléchis\n</think>\n\nParce que."),
    "thought_then_question": turns("Pourquoi ?", "<think>\nje réfléchis\n</think>\n\nParce que.", "Et ?"),
    "late_system": [*turns("Un", "Deux"), {"role": "system", "content": "Sois bref."}, *turns("Trois", "Quatre")],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qwen3", type=Path, help="folder with Qwen3's tokenizer_config.json")
    parser.add_argument("smollm2", type=Path, help="GGUF file of SmolLM2-135M-Instruct")
    arguments = parser.parse_args()

    FOLDER.mkdir(exist_ok=True)
    qwen3 = json.loads((arguments.qwen3 / "tokenizer_config.json").read_text(encoding="utf-8"))["chat_template"]
    smollm2 = GGUFReader(arguments.smollm2).fields["tokenizer.chat_template"].contents()
    (FOLDER / "qwen3.jinja").write_text(qwen3, encoding="utf-8")
    (FOLDER / "smollm2.jinja").write_text(smollm2, encoding="utf-8")
    chatml = (FOLDER / "chatml.jinja").read_text(encoding="utf-8")

    # Rendering needs the template alone; the tokenizer behind it is empty.
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()))
    rows = []
    for template_name, template in (("qwen3", qwen3), ("smollm2", smollm2), ("chatml", chatml)):
        for name, messages in CONVERSATIONS.items():
            for add_generation_prompt in (False, True):
                rendered = tokenizer.apply_chat_template(
                    messages,
                    chat_template=template,
                    tokenize=False,
                    add_generation_prompt=add_generation_prompt,
                    enable_thinking=False,
                )
                rows.append(
                    {
                        "template": template_name,
                        "conversation": name,
                        "messages": messages,
                        "add_generation_prompt": add_generation_prompt,
                        "rendered": rendered,
                    }
                )
    write_json(FOLDER / "rendered.json", rows)


if __name__ == "__main__":
    main()
