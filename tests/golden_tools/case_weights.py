"""Random weights in a family's layout, and safetensors files of them."""

import json
import math
import os
import struct

import numpy

NUMPY_TYPES = {"F32": "<f4", "F16": "<f2"}


def projections(shapes, at, sizes, bias):
    for name, (rows, columns) in sizes.items():
        shapes[f"{at}{name}.weight"] = [rows, columns]
        if bias:
            shapes[f"{at}{name}.bias"] = [rows]


def norms(shapes, names, width, bias):
    for name in names:
        shapes[name + ".weight"] = [width]
        if bias:
            shapes[name + ".bias"] = [width]


def gpt2(config):
    d, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    shapes = {"transformer.wte.weight": [config["vocab_size"], d],
              "transformer.wpe.weight": [config["n_positions"], d]}
    norms(shapes, ["transformer.ln_f"], d, True)
    for layer in range(config["n_layer"]):
        at = f"transformer.h.{layer}."
        norms(shapes, [at + "ln_1", at + "ln_2"], d, True)
        for name, columns, rows in (("attn.c_attn", d, 3 * d), ("attn.c_proj", d, d), ("mlp.c_fc", d, inner),
                                    ("mlp.c_proj", inner, d)):
            shapes[f"{at}{name}.weight"], shapes[f"{at}{name}.bias"] = [columns, rows], [rows]
    return shapes


def opt(config):
    d, narrow = config["hidden_size"], config.get("word_embed_proj_dim", config["hidden_size"])
    bias, inner = config.get("enable_bias", True), config["ffn_dim"]
    shapes = {"model.decoder.embed_tokens.weight": [config["vocab_size"], narrow],
              "model.decoder.embed_positions.weight": [config["max_position_embeddings"] + 2, d]}
    if narrow != d:
        projections(shapes, "model.decoder.", {"project_in": (d, narrow), "project_out": (narrow, d)}, False)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.decoder.layers.{layer}."
        norms(shapes, [at + "self_attn_layer_norm", at + "final_layer_norm"], d, True)
        projections(shapes, at + "self_attn.", {f"{p}_proj": (d, d) for p in ("q", "k", "v", "out")}, bias)
        projections(shapes, at, {"fc1": (inner, d), "fc2": (d, inner)}, bias)
    if config.get("do_layer_norm_before", True) and not config.get("_remove_final_layer_norm", False):
        norms(shapes, ["model.decoder.final_layer_norm"], d, True)
    if not config.get("tie_word_embeddings", True):
        shapes["lm_head.weight"] = [config["vocab_size"], narrow]
    return shapes


def gpt_neox(config):
    d, inner, bias = config["hidden_size"], config["intermediate_size"], config.get("attention_bias", True)
    shapes = {"gpt_neox.embed_in.weight": [config["vocab_size"], d]}
    norms(shapes, ["gpt_neox.final_layer_norm"], d, True)
    for layer in range(config["num_hidden_layers"]):
        at = f"gpt_neox.layers.{layer}."
        norms(shapes, [at + "input_layernorm", at + "post_attention_layernorm"], d, True)
        projections(shapes, at + "attention.", {"query_key_value": (3 * d, d), "dense": (d, d)}, bias)
        projections(shapes, at + "mlp.", {"dense_h_to_4h": (inner, d), "dense_4h_to_h": (d, inner)}, True)
    if not config.get("tie_word_embeddings", False):
        shapes["embed_out.weight"] = [config["vocab_size"], d]
    return shapes


def phi(config):
    d, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    narrow = (config.get("num_key_value_heads") or heads) * d // heads
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], d]}
    norms(shapes, ["model.final_layernorm"], d, True)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        norms(shapes, [at + "input_layernorm"], d, True)
        if config.get("qk_layernorm", False):
            norms(shapes, [at + "self_attn.q_layernorm", at + "self_attn.k_layernorm"], d // heads, True)
        projections(shapes, at + "self_attn.",
                    {"q_proj": (d, d), "k_proj": (narrow, d), "v_proj": (narrow, d), "dense": (d, d)}, True)
        projections(shapes, at + "mlp.", {"fc1": (inner, d), "fc2": (d, inner)}, True)
    projections(shapes, "", {"lm_head": (config["vocab_size"], d)}, True)
    return shapes


def llama(config):
    family, d, inner = config["model_type"], config["hidden_size"], config["intermediate_size"]
    heads = config["num_attention_heads"]
    size = config.get("head_dim") or d // heads
    wide, narrow = heads * size, (config.get("num_key_value_heads") or heads) * size
    bias = config.get("attention_bias", False)
    shapes = {"model.embed_tokens.weight": [config["vocab_size"], d]}
    norms(shapes, ["model.norm"], d, False)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        names = ["input_layernorm", "post_attention_layernorm"]
        if family == "gemma3_text":
            names += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
        norms(shapes, [at + name for name in names], d, False)
        if family in ("qwen3", "gemma3_text"):
            norms(shapes, [at + "self_attn.q_norm", at + "self_attn.k_norm"], size, False)
        if family == "phi3":
            projections(shapes, at, {"self_attn.qkv_proj": (wide + 2 * narrow, d), "self_attn.o_proj": (d, wide),
                                     "mlp.gate_up_proj": (2 * inner, d), "mlp.down_proj": (d, inner)}, False)
            continue
        projections(shapes, at + "self_attn.", {"q_proj": (wide, d), "k_proj": (narrow, d), "v_proj": (narrow, d)},
                    bias or family == "qwen2")
        projections(shapes, at + "self_attn.", {"o_proj": (d, wide)}, bias)
        projections(shapes, at + "mlp.", {"gate_proj": (inner, d), "up_proj": (inner, d), "down_proj": (d, inner)},
                    config.get("mlp_bias", False))
    if not config.get("tie_word_embeddings", family == "gemma3_text"):
        shapes["lm_head.weight"] = [config["vocab_size"], d]
    return shapes


SHAPES = {"gpt2": gpt2, "opt": opt, "gpt_neox": gpt_neox, "phi": phi}


def round_to_bfloat16(values):
    """float32 values rounded to the nearest bfloat16, ties to even."""
    bits = values.astype("<f4").view("<u4").astype(numpy.uint64)
    bits = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
    return bits.astype("<u4").view("<f4")


def draw(config, dtype, seed):
    """name -> float32 array whose values `dtype` holds exactly."""
    random = numpy.random.RandomState(seed)
    family = config["model_type"]
    weights = {}
    for name, shape in SHAPES.get(family, llama)(config).items():
        is_norm = len(shape) == 1 and name.endswith("weight")
        deviation = 0.2 if len(shape) == 1 else 0.4 if "embed" in name or ".wte" in name or ".wpe" in name else (
            0.9 / math.sqrt(shape[0] if family == "gpt2" else shape[1]))
        centre = 1.0 if is_norm and family != "gemma3_text" else 0.0
        values = (centre + deviation * random.standard_normal(shape)).astype("<f4")
        if dtype == "F16":
            values = values.astype("<f2").astype("<f4")
        weights[name] = round_to_bfloat16(values) if dtype == "BF16" else values
    return weights


def stored_bytes(values, dtype):
    if dtype == "BF16":
        return (values.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return values.astype(NUMPY_TYPES[dtype]).tobytes()


def write_file(path, weights, dtype):
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, values in weights.items():
        stored = stored_bytes(values, dtype)
        offsets = [len(data), len(data) + len(stored)]
        header[name] = {"dtype": dtype, "shape": list(values.shape), "data_offsets": offsets}
        data += stored
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_checkpoint(directory, weights, dtype, shards=1):
    if shards == 1:
        return write_file(os.path.join(directory, "model.safetensors"), weights, dtype)
    names, placed, total = list(weights), {}, 0
    for shard in range(shards):
        file_name = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: weights[name] for name in names[shard::shards]}
        write_file(os.path.join(directory, file_name), part, dtype)
        placed.update({name: file_name for name in part})
        total += sum(len(stored_bytes(values, dtype)) for values in part.values())
    index = {"metadata": {"total_size": total}, "weight_map": placed}
    with open(os.path.join(directory, "model.safetensors.index.json"), "w") as file:
        json.dump(index, file, indent=1, sort_keys=True)
        file.write("\n")
