"""Five optimizer steps of DoRA and of plain LoRA on the tiny qwen3, by PEFT, PyTorch and transformers.

Needs models/qwen3 (models.py). Writes train/: the adapters before and after as PEFT saves them, the rows,
the trajectory, the gradients of the first step, and logits under the initial and the final adapter.
"""

import json
import math
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict
from transformers import AutoModelForCausalLM, get_cosine_schedule_with_warmup

from common import HERE, generator, random_ids, write_json, write_tensors

FOLDER = HERE / "train"
MODEL = "models/qwen3"
TARGET_MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LORA_RANK, ALPHA = 4, 8
NUM_STEPS, GLOBAL_BATCH_SIZE = 5, 4
LEARNING_RATE, WARMUP_RATIO, MAX_GRAD_NORM = 1e-3, 0.05, 1.0
ADAM = {"betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.0}
ADAPTER_FILES = {"adapter_config.json", "adapter_model.safetensors"}
TOLERANCE = 1e-4


def base_model():
    return AutoModelForCausalLM.from_pretrained(HERE / MODEL, attn_implementation="eager", dtype=torch.float32)


def rows():
    """Twenty rows of 5 to 24 random ids; every token after the first is a target, as in a rendered chat."""
    lengths = torch.randint(5, 25, (NUM_STEPS * GLOBAL_BATCH_SIZE,), generator=generator(20)).tolist()
    lengths[0], lengths[-1] = 5, 24
    return [
        {"input_ids": random_ids(2000 + index, length), "loss_mask": [0] + [1] * (length - 1)}
        for index, length in enumerate(lengths)
    ]


def initial_model(use_dora):
    """The tiny model with an adapter whose B is not zero and whose m is up to 20 % away from ‖W₀‖."""
    config = LoraConfig(
        r=LORA_RANK,
        lora_alpha=ALPHA,
        lora_dropout=0.0,
        target_modules=TARGET_MODULES,
        task_type="CAUSAL_LM",
        use_dora=use_dora,
    )
    model = get_peft_model(base_model(), config)
    config.base_model_name_or_path = MODEL
    source = {kind: generator(30 + index) for index, kind in enumerate(("lora_A", "lora_B", "lora_magnitude_vector"))}
    base_norms = {name: w.norm(dim=1) for name, w in base_model().named_parameters() if w.dim() == 2}
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            if not parameter.requires_grad:
                continue
            kind = next(kind for kind in source if kind in name)
            if kind == "lora_magnitude_vector":
                weight = name.removeprefix("base_model.model.").split(".lora_")[0] + ".weight"
                factor = 1 + 0.2 * (2 * torch.rand(parameter.shape, generator=source[kind]) - 1)
                parameter.copy_(base_norms[weight] * factor)
            else:
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=source[kind]))
    return model


def save(model, folder):
    """PEFT's own files, without the empty model card that it adds, and with the set of modules in a fixed order."""
    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder)
    config = json.loads((folder / "adapter_config.json").read_text())
    config["target_modules"].sort()
    (folder / "adapter_config.json").write_text(json.dumps(config, indent=2) + "\n")
    for path in folder.iterdir():
        if path.name not in ADAPTER_FILES:
            path.unlink()


def sum_of_losses(model, row):
    """Summed negative log-likelihood of the row's targets."""
    ids = torch.tensor(row["input_ids"])
    wanted = torch.tensor(row["loss_mask"][1:], dtype=torch.bool)
    logits = model(ids[None]).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits[wanted], ids[1:][wanted], reduction="sum")


def on_disk(model, gradients):
    """The gradients of the adapter under the names that PEFT gives its parameters on disk."""
    state = {name: gradients[name] for name, p in model.named_parameters() if p.requires_grad}
    return get_peft_model_state_dict(model, state_dict=state)


def train(model, all_rows):
    """The trajectory, and the gradients of the first step before clipping."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=LEARNING_RATE, **ADAM)
    schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(WARMUP_RATIO * NUM_STEPS), NUM_STEPS)
    history = {"loss": [], "grad_norm": [], "learning_rate": []}
    first_gradients = None
    for step in range(NUM_STEPS):
        batch = all_rows[step * GLOBAL_BATCH_SIZE : (step + 1) * GLOBAL_BATCH_SIZE]
        num_targets = sum(sum(row["loss_mask"]) for row in batch)
        optimizer.zero_grad()
        loss = sum(sum_of_losses(model, row) for row in batch) / num_targets
        loss.backward()
        if first_gradients is None:
            gradients = {name: p.grad.clone() for name, p in model.named_parameters() if p.requires_grad}
            first_gradients = on_disk(model, gradients)
        history["grad_norm"].append(torch.nn.utils.clip_grad_norm_(parameters, MAX_GRAD_NORM).item())
        history["loss"].append(loss.item())
        history["learning_rate"].append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    return history, first_gradients


def logits_of(adapter, ids):
    """Logits with an adapter read back from its folder, or of the base model."""
    model = base_model()
    if adapter is not None:
        model = PeftModel.from_pretrained(model, adapter)
    with torch.no_grad():
        return model.eval()(torch.tensor([ids])).logits[0]


def main():
    all_rows = rows()
    trajectories, adapters = {}, {}
    for method, prefix in (("dora", ""), ("lora", "lora_")):
        model = initial_model(use_dora=method == "dora")
        save(model, FOLDER / f"{prefix}initial_adapter")
        trajectories[method], gradients = train(model, all_rows)
        save(model, FOLDER / f"{prefix}final_adapter")
        adapters[method] = get_peft_model_state_dict(model)
        write_tensors(FOLDER / f"{prefix}gradients.safetensors", gradients)

    distance = {
        "loss": max(abs(a - b) for a, b in zip(trajectories["dora"]["loss"], trajectories["lora"]["loss"], strict=True)),
        "adapter": max((adapters["dora"][k] - v).abs().max().item() for k, v in adapters["lora"].items()),
    }
    assert min(distance.values()) > TOLERANCE, distance

    ids = random_ids(40, 16)
    names = {"base": None, "initial": FOLDER / "initial_adapter", "final": FOLDER / "final_adapter"}
    write_tensors(FOLDER / "logits.safetensors", {name: logits_of(folder, ids) for name, folder in names.items()})
    write_json(FOLDER / "rows.json", all_rows)
    write_json(
        FOLDER / "trajectory.json",
        {
            "num_steps": NUM_STEPS,
            "global_batch_size": GLOBAL_BATCH_SIZE,
            "learning_rate": LEARNING_RATE,
            "warmup_ratio": WARMUP_RATIO,
            "max_grad_norm": MAX_GRAD_NORM,
            **trajectories,
            "lora_distance": distance,
            "logits_input_ids": ids,
        },
    )


if __name__ == "__main__":
    main()
