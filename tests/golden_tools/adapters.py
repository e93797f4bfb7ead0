"""The self-made adapters of golden models: what each is for, and its weights merged by the plain formula.

W + s B A, with A [r, in] and B [out, r] as the file has them, s = alpha / r or alpha / sqrt(r); a base that stores
[in, out] takes the transposed product.
"""

import dataclasses
import json
import math
import os

import numpy

from case_weights import write_file

CONFIG = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "inference_mode": True, "lora_dropout": 0.1, "bias": "none",
          "fan_in_fan_out": False, "init_lora_weights": True, "modules_to_save": None, "use_dora": False,
          "use_rslora": False, "layers_to_transform": None, "rank_pattern": {}, "alpha_pattern": {}}


@dataclasses.dataclass
class Adapter:
    # The golden case whose model it is for, and adapter_config.json beside CONFIG.
    base: str
    config: dict
    # Module -> (rank, alpha) of each low-rank term; tensors of the base that are replaced.
    terms: dict
    replaced: list
    # The base stores [in, out].
    transposed: bool = False
    # What peft's wrapper puts into the names of replaced tensors.
    wrapper: str = ""


def llama_terms():
    terms = {}
    for layer in (1, 2):
        at = f"model.layers.{layer}."
        for name in ("self_attn.q_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.down_proj"):
            terms[at + name] = (4, 6.0)
        terms[at + "self_attn.v_proj"] = (3, 6.0)
    terms["model.layers.1.self_attn.q_proj"] = (4, 2.5)
    return terms


def gpt2_terms(layers):
    names = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    return {f"transformer.h.{layer}.{name}": (2, 3.0) for layer in range(layers) for name in names}


ADAPTERS = {
    # Ranks and factors by module, two layers of three, rank-stabilised, whole modules.
    "llama_lora": Adapter("llama", {"r": 4, "lora_alpha": 6, "use_rslora": True, "layers_to_transform": [1, 2],
                                    "target_modules": ["down_proj", "gate_proj", "o_proj", "q_proj", "v_proj"],
                                    "rank_pattern": {"v_proj": 3},
                                    "alpha_pattern": {r".*\.1\.self_attn\.q_proj": 2.5},
                                    "modules_to_save": ["lm_head", "model.norm"]},
                          llama_terms(), ["lm_head.weight", "model.norm.weight"]),
    # A fused projection, weights stored [in, out], targets by expression, trained biases.
    "gpt2_lora": Adapter("gpt2", {"r": 2, "lora_alpha": 3, "fan_in_fan_out": True, "bias": "lora_only",
                                  "target_modules": r".*\.(c_attn|c_proj|c_fc)"},
                         gpt2_terms(3), [module + ".bias" for module in gpt2_terms(3)], transposed=True,
                         wrapper="base_layer."),
}


def draw_adapter(adapter, weights, seed):
    """File name -> float32 array."""
    random = numpy.random.RandomState(seed)
    tensors = {}
    for module, (rank, _) in adapter.terms.items():
        rows, columns = weights[module + ".weight"].shape[:: -1 if adapter.transposed else 1]
        at = f"base_model.model.{module}.lora_"
        tensors[at + "A.weight"] = (random.standard_normal([rank, columns]) / math.sqrt(columns)).astype("<f4")
        tensors[at + "B.weight"] = (0.3 * random.standard_normal([rows, rank])).astype("<f4")
    for name in adapter.replaced:
        module, part = name.rsplit(".", 1)
        changed = weights[name] + 0.1 * random.standard_normal(weights[name].shape)
        tensors[f"base_model.model.{module}.{adapter.wrapper}{part}"] = changed.astype("<f4")
    return tensors


def merged(adapter, weights, tensors):
    """The base's weights in float64 with the adapter's added up."""
    result = {name: values.astype(numpy.float64) for name, values in weights.items()}
    for name in adapter.replaced:
        module, part = name.rsplit(".", 1)
        result[name] = tensors[f"base_model.model.{module}.{adapter.wrapper}{part}"].astype(numpy.float64)
    for module, (rank, alpha) in adapter.terms.items():
        a, b = (tensors[f"base_model.model.{module}.lora_{part}.weight"].astype(numpy.float64) for part in "AB")
        scale = alpha / (math.sqrt(rank) if adapter.config.get("use_rslora") else rank)
        product = scale * (b @ a)
        result[module + ".weight"] += product.T if adapter.transposed else product
    return result


def write_adapter(directory, adapter, tensors):
    write_file(os.path.join(directory, "adapter_model.safetensors"), tensors, "F32")
    config = {**CONFIG, "base_model_name_or_path": "somebody/" + adapter.base, **adapter.config}
    with open(os.path.join(directory, "adapter_config.json"), "w") as file:
        json.dump(config, file, indent=1, sort_keys=True)
        file.write("\n")
