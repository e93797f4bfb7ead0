#!/usr/bin/env python3
"""Writes seeds/ and dictionaries/ anew: small inputs of our own, one folder a target, and words of the parsed formats."""
import json
import pathlib
import re
import struct

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SEPARATOR = b"\xff"


def literals(*patterns):
    """Words in quotes in product sources: the keys and values that parsers know."""
    text = "".join(path.read_text() for pattern in patterns for path in sorted(ROOT.glob(pattern)))
    return sorted(set(re.findall(r'"([A-Za-z_0-9.]{2,40})"', text)))


def write(target, name, content):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def write_dictionary(name, words):
    # Numbers at borders, and pieces of JSON.
    pieces = ["0", "-1", "1e999", "0.5", "1e-40", "3.4e38", "4096", "65536", "2147483647", "2147483648",
              "9223372036854775807", "18446744073709551615", "null", "true", "false", "{}", "[]", ",", ":", "\\\\u0000",
              "\\xff"]
    lines = [f'"{piece}"' for piece in pieces + [word for word in words if not word.endswith(".h")]]
    (HERE / "dictionaries").mkdir(exist_ok=True)
    (HERE / "dictionaries" / f"{name}.dict").write_text("\n".join(lines) + "\n")


def dumps(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ---- weights ----

def safetensors(shapes, dtype="BF16", metadata=None):
    header, at = ({"__metadata__": metadata} if metadata else {}), 0
    for name, shape in shapes.items():
        size = {"BF16": 2, "F32": 4, "F64": 8, "I8": 1}[dtype]
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return dumps(header).encode(), bytes(at)


def whole_file(header, data):
    return struct.pack("<Q", len(header)) + header + data


TENSORS = {
    "one": ({"a": [2, 3]}, "F32", None),
    "several": ({"a": [2], "b": [], "empty": [0, 4], "deep": [1, 1, 1, 1, 1, 1, 1, 2]}, "F64", {"format": "pt"}),
    "none": ({}, "F32", None),
}

LLAMA = {"model_type": "llama", "vocab_size": 3, "hidden_size": 2, "intermediate_size": 2, "num_hidden_layers": 1,
         "num_attention_heads": 1}
LLAMA_LAYER = {"input_layernorm": [2], "self_attn.q_proj": [2, 2], "self_attn.k_proj": [2, 2], "self_attn.v_proj": [2, 2],
               "self_attn.o_proj": [2, 2], "post_attention_layernorm": [2], "mlp.gate_proj": [2, 2], "mlp.up_proj": [2, 2],
               "mlp.down_proj": [2, 2]}
GPT2 = {"model_type": "gpt2", "vocab_size": 3, "n_embd": 2, "n_layer": 1, "n_head": 1, "n_positions": 2, "n_inner": 2}


def llama_tensors():
    shapes = {"model.embed_tokens.weight": [3, 2], "model.norm.weight": [2], "lm_head.weight": [3, 2]}
    shapes.update({f"model.layers.0.{name}.weight": shape for name, shape in LLAMA_LAYER.items()})
    return shapes


def gpt2_tensors():
    shapes = {"wte.weight": [3, 2], "wpe.weight": [2, 2]}
    for name, weight in {"ln_f": [2], "h.0.ln_1": [2], "h.0.ln_2": [2], "h.0.attn.c_attn": [2, 6],
                         "h.0.attn.c_proj": [2, 2], "h.0.mlp.c_fc": [2, 2], "h.0.mlp.c_proj": [2, 2]}.items():
        shapes[name + ".weight"], shapes[name + ".bias"] = weight, weight[-1:]
    return shapes


def weights():
    for name, (shapes, dtype, metadata) in TENSORS.items():
        header, data = safetensors(shapes, dtype, metadata)
        write("safetensors_header", name, struct.pack("<Q", len(data)) + header)
        write("safetensors_file", name, whole_file(header, data))
    write("safetensors_file", "header_of_100_gigabytes", struct.pack("<Q", 100_000_000_000) + b"{}")
    write("safetensors_file", "header_of_all_bits", b"\xff" * 8 + b"{}")
    for name, config, shapes in (("llama", LLAMA, llama_tensors()), ("gpt2", GPT2, gpt2_tensors())):
        write("checkpoint", name, dumps(config).encode() + SEPARATOR + whole_file(*safetensors(shapes)))
    write("weight_index", "both_shards", dumps({"metadata": {"total_size": 12}, "weight_map": {
        "x": "a.safetensors", "y": "a.safetensors", "z": "b.safetensors"}}))
    write("weight_index", "one_shard", dumps({"weight_map": {"z": "b.safetensors"}}))
    write("weight_index", "absent_shard", dumps({"weight_map": {"z": "c.safetensors"}}))
    write("weight_index", "path", dumps({"weight_map": {"z": "../b.safetensors"}}))


def adapters():
    def adapter(name, config, shapes):
        config = {"peft_type": "LORA", "base_model_name_or_path": "base", **config}
        write("adapter", name, dumps(config).encode() + SEPARATOR + whole_file(*safetensors(shapes)))

    def factors(module, outputs, inputs, rank=1):
        return {f"base_model.model.{module}.lora_A.weight": [rank, inputs],
                f"base_model.model.{module}.lora_B.weight": [outputs, rank]}
    layer = "model.layers.0."
    adapter("llama", {"r": 1, "lora_alpha": 2, "target_modules": ["q_proj", "up_proj"], "use_rslora": True},
            {**factors(layer + "self_attn.q_proj", 2, 2), **factors(layer + "mlp.up_proj", 2, 2)})
    adapter("llama_patterns", {"r": 8, "target_modules": "all-linear", "rank_pattern": {"q_proj|v_proj": 1, "mlp.up_proj": 2},
                               "alpha_pattern": {".*q_proj": 3.5}, "layers_to_transform": [0]},
            {**factors(layer + "self_attn.q_proj", 2, 2), **factors(layer + "mlp.up_proj", 2, 2, 2)})
    adapter("llama_replaced", {"r": 1, "target_modules": ["v_proj"], "exclude_modules": ["q_proj"],
                               "modules_to_save": ["lm_head"]},
            {**factors(layer + "self_attn.v_proj", 2, 2), "base_model.model.lm_head.weight": [3, 2]})
    adapter("gpt2", {"r": 2, "target_modules": ["c_attn"], "fan_in_fan_out": True, "bias": "lora_only"},
            {**factors("transformer.h.0.attn.c_attn", 6, 2, 2), "base_model.model.transformer.h.0.attn.c_attn.bias": [6]})


# ---- config.json ----

def configs(known):
    for path in sorted(ROOT.glob("tests/golden/*/config.json")):
        def keep(value):
            if not isinstance(value, dict):
                return value
            return {key: keep(part) for key, part in value.items() if key in known}
        write("config", path.parent.name, dumps(keep(json.loads(path.read_text()))))
    write("config", "absurd_sizes", dumps({**LLAMA, "num_hidden_layers": 10**9, "head_dim": 2**40, "hidden_size": -1,
                                           "vocab_size": 1.5, "num_attention_heads": "8"}))
    write("config", "largest_sizes", dumps({**LLAMA, "num_hidden_layers": 4096, "num_attention_heads": 4096,
                                            "head_dim": 65536, "hidden_size": 2**24, "intermediate_size": 2**24,
                                            "vocab_size": 2**26, "max_position_embeddings": 2**31}))


# ---- tokenizers ----

def byte_characters():
    """GPT-2's printable character for each byte."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in plain]
    return {**{byte: chr(byte) for byte in plain}, **{byte: chr(256 + i) for i, byte in enumerate(others)}}


def vocabulary(tokens):
    return {token: number for number, token in enumerate(tokens)}


def added(number, content, **flags):
    return {"id": number, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
            "normalized": False, "special": False, **flags}


def tokenizers():
    letters = list("abcdehlo") + ["\u0120", "he", "ll", "hell", "hello", "\u0120hello"]
    merges = ["h e", "l l", "he ll", "hell o", "\u0120 hello"]
    byte_level = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}
    number = len(letters)
    base = {"added_tokens": [added(number, "<s>", special=True), added(number + 1, "ab", lstrip=True, rstrip=True,
                                                                       single_word=True, normalized=True)],
            "normalizer": {"type": "NFC"}, "pre_tokenizer": byte_level, "decoder": {"type": "ByteLevel"},
            "post_processor": {"type": "TemplateProcessing",
                               "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}],
                               "special_tokens": {"<s>": {"ids": [number]}}},
            "model": {"type": "BPE", "vocab": vocabulary(letters), "merges": merges}}
    write("tokenizer", "byte_level", dumps(base).encode() + SEPARATOR + b"<s>hello ab hello")
    alphabet = vocabulary(byte_characters().values())
    whole = {"pre_tokenizer": byte_level, "decoder": {"type": "ByteLevel"},
             "model": {"type": "BPE", "vocab": alphabet, "merges": [], "ignore_merges": True}}
    write("tokenizer", "all_bytes", dumps(whole).encode() + SEPARATOR + "naïve \u0000 語".encode())
    pieces = ["<unk>", "\u2581", "a", "b", "ab", "\u2581a", "<0x0A>", "<0xC3>", "<0xA9>"]
    sentence_piece = {
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "\u2581"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]},
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"},
            {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
        "model": {"type": "BPE", "vocab": vocabulary(pieces), "merges": [["a", "b"], ["\u2581", "a"]],
                  "unk_token": "<unk>", "byte_fallback": True, "fuse_unk": True}}
    write("tokenizer", "sentence_piece", dumps(sentence_piece).encode() + SEPARATOR + "ab a\né zz".encode())
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        split = {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "(?i:'s|'t)|\\p{N}{1,3}|\\s+(?!\\S)"}, "behavior": behavior,
             "invert": behavior == "Removed"},
            {"type": "Digits", "individual_digits": True},
            {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": True}]},
                 "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always"},
                 "model": {"vocab": vocabulary(list("ab1 ") + ["\u2581"]), "merges": []}}
        write("tokenizer", f"split_{behavior}", dumps(split).encode() + SEPARATOR + b"ab 123'S  b")
    legacy = [dumps(vocabulary(letters)), "#version: 0.2\n" + "\n".join(merges), "", "", "", "", "hello ab"]
    write("legacy_tokenizer", "plain", SEPARATOR.join(part.encode() for part in legacy))
    legacy[2] = dumps({"tokenizer_class": "GPT2Tokenizer", "add_bos_token": True, "bos_token": "<s>", "eos_token": {
        "content": "</s>", "lstrip": False}, "additional_special_tokens": ["<x>"],
        "added_tokens_decoder": {str(number): {"content": "<s>", "special": True}}})
    write("legacy_tokenizer", "with_config", SEPARATOR.join(part.encode() for part in legacy))
    legacy[2:6] = [dumps({"tokenizer_class": "Qwen2TokenizerFast"}), dumps({"<y>": number}),
                   dumps({"model_type": "qwen2", "eos_token_id": [3, 4]}), dumps({"pad_token": "<z>"})]
    write("legacy_tokenizer", "with_all_files", SEPARATOR.join(part.encode() for part in legacy))


# ---- data ----

def rows():
    write("rows", "pairs", dumps({"id": "a", "prompt": "p", "response": "r\u00e9"}) + "\n" +
          dumps({"prompt": "", "response": "r"}) + "\n")
    write("rows", "tokens", dumps({"token_ids": [1, 2, 4294967295], "prompt_tokens": 1}) + "\n\n" +
          dumps({"id": -7, "token_ids": [5, 6], "prompt_tokens": 0}))
    write("rows", "texts", dumps({"text": "t", "other": [1, {"x": None}]}) + "\r\n")
    write("rows", "chat", dumps({"messages": [{"role": "user", "content": "x"}]}))

    def text(value):
        return struct.pack("<I", len(value)) + value

    def record(body):
        return struct.pack("<I", len(body)) + body
    pair = record(text(b"a") + struct.pack("<I", 1) + text(b"p") + text(b"r"))
    tokens = record(text(b"b") + struct.pack("<IIIII", 2, 1, 2, 10, 20))
    header = b"HSDS" + struct.pack("<I", 2)
    no_parts = struct.pack("<I", 0)
    write("sample_record", "second_version", header +
          record(text(b"a") + struct.pack("<I", 1) + text(b"p") + text(b"r") + no_parts) +
          record(text(b"b") + struct.pack("<IIIII", 2, 1, 2, 10, 20) + no_parts) +
          record(text(b"c") + struct.pack("<I", 3) + text(b"t") + no_parts))
    write("sample_record", "a_part", header +
          record(text(b"c") + struct.pack("<I", 3) + text(b"t") + struct.pack("<II", 1, 4) + text(b"spans")))
    write("sample_record", "three", pair + tokens + record(text(b"c") + struct.pack("<I", 3) + text(b"t")))


def main():
    config_words = literals("worker/model/*.cc", "worker/model/families/*.cc")
    tokenizer_words = literals("worker/model/tokenizer/*.cc")
    write_dictionary("config", config_words)
    write_dictionary("tokenizer", tokenizer_words)
    write_dictionary("adapter", literals("worker/model/adapter/*.cc") + ["q_proj", "up_proj", "c_attn", "lm_head"])
    write_dictionary("weights", ["dtype", "shape", "data_offsets", "__metadata__", "weight_map", "metadata", "F32", "F64",
                                 "BF16", "F16", "I8", "F8_E4M3", "a.safetensors", "b.safetensors", "..", "x", "y", "z"])
    write_dictionary("rows", literals("client/headscope/row_parser.cc"))
    weights()
    adapters()
    configs(set(config_words) | {"text_config"})
    tokenizers()
    rows()


if __name__ == "__main__":
    main()
