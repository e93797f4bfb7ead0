"""Reads the F32 checkpoints of the cases that transformers gave the values of."""

import json
import os
import struct

import numpy


def read_checkpoint(directory):
    with open(os.path.join(directory, "model.safetensors"), "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    weights = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        weights[name] = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"])
    return weights
