"""What the fixture scripts share: where files go, how they are written, one thread for stable sums."""

import json
import os
from pathlib import Path

import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
MODEL_VOCABULARY = 320

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def generator(seed):
    """A CPU random generator that depends on `seed` alone."""
    return torch.Generator().manual_seed(seed)


def random_ids(seed, num_tokens):
    """`num_tokens` random token ids of the tiny models' vocabulary."""
    return torch.randint(0, MODEL_VOCABULARY, (num_tokens,), generator=generator(seed)).tolist()


def write_json(path, value):
    """Writes `value` with one entry of the outermost level a line, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    if isinstance(value, dict):
        entries = [f"{json.dumps(key)}: {compact(entry)}" for key, entry in value.items()]
    else:
        entries = [compact(entry) for entry in value]
    text = opening + "\n" + ",\n".join(entries) + "\n" + closing + "\n"
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def compact(value):
    """JSON without spaces that keeps French letters readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def write_tensors(path, tensors):
    """Writes f32 tensors as safetensors, atomically."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    save_file({name: t.detach().to(torch.float32).contiguous() for name, t in tensors.items()}, temporary)
    os.replace(temporary, path)


def test_data():
    """The folder of the larger real data, found as the Rust tests find it."""
    return Path(os.environ.get("MEDINJECTION_TEST_DATA", REPOSITORY.parent / "shared" / "data"))
