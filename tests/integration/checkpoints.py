"""Reads and writes safetensors model directories with the standard library alone, to change how a model is stored."""

import json
import pathlib
import struct


def read_tensors(path):
    """name -> (dtype, shape, bytes) of one safetensors file."""
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8:8 + length])
    begin = 8 + length
    return {name: (entry["dtype"], entry["shape"],
                   data[begin + entry["data_offsets"][0]:begin + entry["data_offsets"][1]])
            for name, entry in header.items() if name != "__metadata__"}


def write_tensors(path, tensors):
    header, offset = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, _, data in tensors.values():
            file.write(data)


def write_shards(directory, tensors, count):
    """Deals the tensors over `count` files and writes their index."""
    names = list(tensors)
    weight_map = {}
    for shard in range(count):
        file = f"model-{shard + 1:05}-of-{count:05}.safetensors"
        write_tensors(directory / file, {name: tensors[name] for name in names[shard::count]})
        weight_map |= {name: file for name in names[shard::count]}
    total = sum(len(data) for _, _, data in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index))


def cut_to_bfloat16(data):
    """float32 bytes with the lower half of every number zeroed: what bfloat16 can hold."""
    out = bytearray(data)
    out[0::4] = out[1::4] = bytes(len(data) // 4)
    return bytes(out)


def to_bfloat16(data):
    """The upper halves of float32 bytes."""
    out = bytearray(len(data) // 2)
    out[0::2], out[1::2] = data[2::4], data[3::4]
    return bytes(out)
