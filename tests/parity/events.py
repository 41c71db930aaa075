"""An event file with one scalar, as TensorBoard's own record writer and protocol buffers write it; or what its reader finds in one.

`python events.py` writes events.out.tfevents.reference; `python events.py FOLDER` prints step, tag and value of every scalar there.
Needs tensorboard==2.20.0 alone.
"""

import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util.tensor_util import make_ndarray

WALL_TIME = 1_700_000_000.25


def write(path):
    scalar = Summary(value=[Summary.Value(tag="train/loss", simple_value=1.5)])
    events = [
        Event(wall_time=WALL_TIME, file_version="brain.Event:2"),
        Event(wall_time=WALL_TIME, step=300, summary=scalar),
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString(deterministic=True))
        writer.flush()


def read(folder):
    for path in sorted(Path(folder).glob("*tfevents*")):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                print(event.step, value.tag, float(make_ndarray(value.tensor)))


if len(sys.argv) > 1:
    read(sys.argv[1])
else:
    write(Path(__file__).resolve().parent / "events.out.tfevents.reference")
