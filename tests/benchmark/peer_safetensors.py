"""Reads safetensors model directories with numpy and torch alone."""

import json
import os
import struct

import numpy
import torch

_NUMPY_TYPES = {"F32": numpy.float32, "F64": numpy.float64, "F16": numpy.float16}


def _tensor(stored, dtype, shape):
    """bytes of one stored tensor -> float32 (or float64) torch tensor of `shape`."""
    if dtype == "BF16":
        widened = numpy.frombuffer(stored, dtype="<u2").astype(numpy.uint32) << 16
        values = widened.view(numpy.float32)
    elif dtype in _NUMPY_TYPES:
        values = numpy.frombuffer(stored, dtype=_NUMPY_TYPES[dtype]).copy()
    else:
        raise ValueError(f"dtype {dtype} is not a floating-point type that this reader knows")
    return torch.from_numpy(values.reshape(shape))


def read_file(path):
    """All tensors of one safetensors file: name -> tensor."""
    tensors = {}
    with open(path, "rb") as file:
        (header_bytes,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(header_bytes))
        start = file.tell()
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            begin, end = entry["data_offsets"]
            file.seek(start + begin)
            tensors[name] = _tensor(file.read(end - begin), entry["dtype"], entry["shape"])
    return tensors


def read_directory(directory):
    """config.json (a dict) and all tensors of a model directory, one weight file or an index of several."""
    with open(os.path.join(directory, "config.json"), encoding="utf-8") as file:
        config = json.load(file)
    index = os.path.join(directory, "model.safetensors.index.json")
    names = ["model.safetensors"]
    if os.path.exists(index):
        with open(index, encoding="utf-8") as file:
            names = sorted(set(json.load(file)["weight_map"].values()))
    tensors = {}
    for name in names:
        tensors.update(read_file(os.path.join(directory, name)))
    return config, tensors
