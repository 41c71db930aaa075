"""The learning rate of every step under each schedule with warm-up, by transformers.

Writes schedule.json: a list of {schedule, warmup_ratio, num_steps, learning_rates}, at a learning rate of 1e-3.
"""

import math

import torch
from transformers import get_scheduler

from common import HERE, write_json

LEARNING_RATE = 1e-3
NAMES = {"linear": "linear", "cosine": "cosine", "constant": "constant_with_warmup"}
SIZES = [(0.05, 5), (0.05, 60), (0.0, 7), (1.0, 4)]


def learning_rates(schedule, warmup_ratio, num_steps):
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=LEARNING_RATE)
    scheduler = get_scheduler(NAMES[schedule], optimizer, math.ceil(warmup_ratio * num_steps), num_steps)
    rates = []
    for _ in range(num_steps):
        rates.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return rates


write_json(
    HERE / "schedule.json",
    [
        {
            "schedule": schedule,
            "warmup_ratio": warmup_ratio,
            "num_steps": num_steps,
            "learning_rates": learning_rates(schedule, warmup_ratio, num_steps),
        }
        for schedule in NAMES
        for warmup_ratio, num_steps in SIZES
    ],
)
