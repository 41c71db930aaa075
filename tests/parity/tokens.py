"""Token ids of the FrenchMedMCQA training prompts, as a hash a row, for two tokenizers.

    python tokens.py QWEN3_TOKENIZER_DIR SMOLLM2.gguf [--llama-cpp]

Reads frenchmedmcqa/train.json under MEDINJECTION_TEST_DATA (default ../shared/data). Writes tokens/qwen3.json
and tokens/smollm2.json. With --llama-cpp nothing is written: SmolLM2's ids are compared with llama.cpp's own.
"""

import argparse
import hashlib
import json
import struct
import urllib.request
from pathlib import Path

from gguf import GGUFReader
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer

from common import HERE, test_data, write_json

CONTROL_TOKEN = 3

# Texts on which byte-level tokenizers tend to differ; their ids are stored whole.
CASES = [
    "",
    "Bonjour",
    "En 2026, 1234567 patients : 38,5 °C, 120/80 mmHg ; 5 µg/mL ≥ ½ x²",
    "L'hépatite C, c’est-à-dire l'ARN ; I'm, we'll, IT'S",
    "e\u0301 décomposé, é composé, ﬁn, 🫀, \u00a0: \u202f;",
    "  deux  espaces,\ttabulation\r\n\n\n  fin  \n ",
    "<|im_start|>user\nQuel âge ?<|im_end|>\n<|im_start|>assistant\n",
    "arabe ٣٤٥, chiffres romains Ⅳ, exposants ⁴⁵, 日本語 2026年",
]


def prompts():
    """The user message of DESIGN §7 for each row, its text as the file has it, choices in letter order."""
    rows = json.loads((test_data() / "frenchmedmcqa" / "train.json").read_text(encoding="utf-8"))
    for row in rows:
        choices = "".join(f"\n({letter.upper()}) {text}" for letter, text in sorted(row["answers"].items()))
        yield f"{row['question']}\nChoix de réponses :{choices}"


def smollm2_tokenizer(gguf):
    """SmolLM2's tokenizer by its original rules: digits one by one, then GPT-2's byte-level split."""
    fields = GGUFReader(gguf).fields
    if fields["tokenizer.ggml.pre"].contents() != "smollm":
        raise SystemExit(f"{gguf}: tokenizer.ggml.pre is not smollm")
    tokens = fields["tokenizer.ggml.tokens"].contents()
    merges = [tuple(merge.split(" ")) for merge in fields["tokenizer.ggml.merges"].contents()]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    kinds = fields["tokenizer.ggml.token_type"].contents()
    special = [token for token, kind in zip(tokens, kinds, strict=True) if kind == CONTROL_TOKEN]
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def encoder(tokenizer):
    """A function from text to ids, without any token that the tokenizer would add around it."""

    def encode(text):
        encoding = tokenizer.encode(text, add_special_tokens=False)
        return encoding if isinstance(encoding, list) else encoding.ids

    return encode


def fixture(description, encode):
    """Number of ids and the first 12 hex digits of the SHA-256 of the ids as little-endian u32, a row."""
    rows = []
    for text in prompts():
        ids = encode(text)
        rows.append([len(ids), hashlib.sha256(struct.pack(f"<{len(ids)}I", *ids)).hexdigest()[:12]])
    return {
        "tokenizer": description,
        "cases": [{"text": text, "ids": encode(text)} for text in CASES],
        "rows": rows,
    }


def compare_with_llama_cpp(gguf, encode):
    """Prints every text whose ids differ from those of llama.cpp's tokenizer for the same file."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(gguf)
    parameters.n_ctx = 256
    parameters.warmup = False
    server = xllamacpp.Server(parameters)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    num_different = 0
    texts = [*CASES, *prompts()]
    for index, text in enumerate(texts):
        body = json.dumps({"content": text, "add_special": False, "parse_special": True}).encode()
        request = urllib.request.Request(
            server.listening_address + "/tokenize", body, {"Content-Type": "application/json"}
        )
        theirs = json.load(opener.open(request))["tokens"]
        ours = encode(text)
        if ours != theirs:
            num_different += 1
            print(f"text {index} {text!r}\n  here {ours}\n  llama.cpp {theirs}")
    print(f"{len(texts)} texts, {num_different} different")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("qwen3", type=Path, help="folder with Qwen3's tokenizer.json")
    parser.add_argument("smollm2", type=Path, help="GGUF file of SmolLM2-135M-Instruct")
    parser.add_argument("--llama-cpp", action="store_true", help="compare SmolLM2's ids with llama.cpp's (xllamacpp)")
    arguments = parser.parse_args()

    smollm2 = encoder(smollm2_tokenizer(arguments.smollm2))
    if arguments.llama_cpp:
        compare_with_llama_cpp(arguments.smollm2, smollm2)
        return
    qwen3 = encoder(AutoTokenizer.from_pretrained(arguments.qwen3))
    write_json(HERE / "tokens" / "qwen3.json", fixture("Qwen3, by transformers", qwen3))
    write_json(HERE / "tokens" / "smollm2.json", fixture("SmolLM2, original rules, by tokenizers", smollm2))


if __name__ == "__main__":
    main()
