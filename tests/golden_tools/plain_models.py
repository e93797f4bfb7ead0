"""The families' forward passes for one sample, each written down from its description: token ids -> logits [T, V].

Weights are float64 tensors under the names of the checkpoint, without the prefix of a larger model around them.
"""

import math

import torch

from plain_parts import ACTIVATIONS, gelu_tanh, layer_norm, linear, rms_norm, rotate
from plain_ropes import rope, scaling_object


def tables(config, theta, dimensions, length, scaling=None):
    cosine, sine = rope(config, scaling_object(config) if scaling is None else scaling, theta, dimensions, length)
    return torch.from_numpy(cosine), torch.from_numpy(sine)


def head(x, weights, name, embedding, tied):
    if not tied:
        return linear(x, weights, name)
    logits = x @ weights[embedding].T
    return logits + weights[name + ".bias"] if name + ".bias" in weights else logits


def gpt2(config, weights, ids, attention):
    d, heads, epsilon = config["n_embd"], config["n_head"], config["layer_norm_epsilon"]

    def conv(x, name):
        return x @ weights[name + ".weight"] + weights[name + ".bias"]

    x = weights["transformer.wte.weight"][ids] + weights["transformer.wpe.weight"][: len(ids)]
    for layer in range(config["n_layer"]):
        at = f"transformer.h.{layer}."
        fused = conv(layer_norm(x, weights, at + "ln_1", epsilon), at + "attn.c_attn")
        q, k, v = (part.reshape(len(ids), heads, -1) for part in fused.split(d, -1))
        scale = 1 / math.sqrt(d // heads) if config.get("scale_attn_weights", True) else 1.0
        if config.get("scale_attn_by_inverse_layer_idx"):
            scale /= layer + 1
        x = x + conv(attention(q, k, v, scale), at + "attn.c_proj")
        inner = conv(layer_norm(x, weights, at + "ln_2", epsilon), at + "mlp.c_fc")
        x = x + conv(ACTIVATIONS[config.get("activation_function", "gelu_new")](inner), at + "mlp.c_proj")
    x = layer_norm(x, weights, "transformer.ln_f", epsilon)
    return head(x, weights, "lm_head", "transformer.wte.weight", config.get("tie_word_embeddings", True))


def opt(config, weights, ids, attention):
    heads, first = config["num_attention_heads"], config.get("do_layer_norm_before", True)
    act = ACTIVATIONS[config.get("activation_function", "relu")]
    x = weights["model.decoder.embed_tokens.weight"][ids]
    if config.get("word_embed_proj_dim", config["hidden_size"]) != config["hidden_size"]:
        x = linear(x, weights, "model.decoder.project_in")
    x = x + weights["model.decoder.embed_positions.weight"][2 : 2 + len(ids)]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.decoder.layers.{layer}."

        def attend(y):
            q, k, v = (linear(y, weights, f"{at}self_attn.{p}_proj").reshape(len(ids), heads, -1) for p in "qkv")
            return linear(attention(q, k, v, 1 / math.sqrt(q.shape[-1])), weights, at + "self_attn.out_proj")

        def mlp(y):
            return linear(act(linear(y, weights, at + "fc1")), weights, at + "fc2")

        for branch, norm in ((attend, "self_attn_layer_norm"), (mlp, "final_layer_norm")):
            if first:
                x = x + branch(layer_norm(x, weights, at + norm, 1e-5))
            else:
                x = layer_norm(x + branch(x), weights, at + norm, 1e-5)
    if first and not config.get("_remove_final_layer_norm", False):
        x = layer_norm(x, weights, "model.decoder.final_layer_norm", 1e-5)
    if "model.decoder.project_out.weight" in weights:
        x = linear(x, weights, "model.decoder.project_out")
    return head(x, weights, "lm_head", "model.decoder.embed_tokens.weight", config.get("tie_word_embeddings", True))


def gpt_neox(config, weights, ids, attention):
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    size = config["hidden_size"] // heads
    parameters = config.get("rope_parameters") or {}
    part = parameters.get("partial_rotary_factor", config.get("rotary_pct", 0.25))
    theta = parameters.get("rope_theta", config.get("rotary_emb_base", 10000))
    cosine, sine = tables(config, theta, int(size * part), len(ids))
    x = weights["gpt_neox.embed_in.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        at = f"gpt_neox.layers.{layer}."

        def attend(y):
            # Of every head its query, key and value stand together.
            fused = linear(y, weights, at + "attention.query_key_value").reshape(len(ids), heads, 3, size)
            q, k = (rotate(fused[:, :, i], cosine, sine) for i in (0, 1))
            return linear(attention(q, k, fused[:, :, 2], size**-0.5), weights, at + "attention.dense")

        def mlp(y):
            inner = ACTIVATIONS[config.get("hidden_act", "gelu")](linear(y, weights, at + "mlp.dense_h_to_4h"))
            return linear(inner, weights, at + "mlp.dense_4h_to_h")

        attended = attend(layer_norm(x, weights, at + "input_layernorm", epsilon))
        seen = x if config.get("use_parallel_residual", True) else x + attended
        x = x + attended + mlp(layer_norm(seen, weights, at + "post_attention_layernorm", epsilon))
    x = layer_norm(x, weights, "gpt_neox.final_layer_norm", epsilon)
    return head(x, weights, "embed_out", "gpt_neox.embed_in.weight", config.get("tie_word_embeddings", False))


def phi(config, weights, ids, attention):
    heads, epsilon = config["num_attention_heads"], config["layer_norm_eps"]
    size = config["hidden_size"] // heads
    groups = config.get("num_key_value_heads") or heads
    cosine, sine = tables(config, config.get("rope_theta", 10000.0),
                          int(size * config.get("partial_rotary_factor", 0.5)), len(ids))
    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = layer_norm(x, weights, at + "input_layernorm", epsilon)
        q = linear(y, weights, at + "self_attn.q_proj").reshape(len(ids), heads, size)
        k, v = (linear(y, weights, f"{at}self_attn.{p}_proj").reshape(len(ids), groups, size) for p in "kv")
        if config.get("qk_layernorm", False):
            q = layer_norm(q, weights, at + "self_attn.q_layernorm", epsilon)
            k = layer_norm(k, weights, at + "self_attn.k_layernorm", epsilon)
        z = attention(rotate(q, cosine, sine), rotate(k, cosine, sine), v, size**-0.5)
        inner = ACTIVATIONS[config.get("hidden_act", "gelu_new")](linear(y, weights, at + "mlp.fc1"))
        x = x + linear(z, weights, at + "self_attn.dense") + linear(inner, weights, at + "mlp.fc2")
    x = layer_norm(x, weights, "model.final_layernorm", epsilon)
    return head(x, weights, "lm_head", "model.embed_tokens.weight", config.get("tie_word_embeddings", False))


def window_of(config, layer):
    """Keys a query of the layer sees in the families with windows and Llama's layout; None: all earlier ones."""
    if config["model_type"] in ("mistral", "phi3"):
        return config.get("sliding_window", 4096 if config["model_type"] == "mistral" else None)
    if not config["model_type"].startswith("qwen") or not config.get("use_sliding_window", False):
        return None
    types = config.get("layer_types")
    slides = types[layer] == "sliding_attention" if types else layer >= config.get("max_window_layers", 28)
    return config["sliding_window"] if slides else None


def llama(config, weights, ids, attention):
    """Llama, Mistral, Qwen 2, Qwen 3, and Phi 3 with its fused projections."""
    heads = config["num_attention_heads"]
    groups = config.get("num_key_value_heads") or heads
    size = config.get("head_dim") or config["hidden_size"] // heads
    epsilon, scaling = config["rms_norm_eps"], scaling_object(config)
    part = scaling.get("partial_rotary_factor", config.get("partial_rotary_factor", 1.0))
    theta = scaling.get("rope_theta", config.get("rope_theta", 10000.0))
    cosine, sine = tables(config, theta, int(size * part), len(ids))
    x = weights["model.embed_tokens.weight"][ids]
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        y = rms_norm(x, weights, at + "input_layernorm", epsilon)
        if config["model_type"] == "phi3":
            widths = [heads * size, groups * size, groups * size]
            q, k, v = linear(y, weights, at + "self_attn.qkv_proj").split(widths, -1)
        else:
            q, k, v = (linear(y, weights, f"{at}self_attn.{p}_proj") for p in "qkv")
        q, k, v = (p.reshape(len(ids), -1, size) for p in (q, k, v))
        if config["model_type"] == "qwen3":
            q = rms_norm(q, weights, at + "self_attn.q_norm", epsilon)
            k = rms_norm(k, weights, at + "self_attn.k_norm", epsilon)
        z = attention(rotate(q, cosine, sine), rotate(k, cosine, sine), v, size**-0.5, window_of(config, layer))
        x = x + linear(z, weights, at + "self_attn.o_proj")
        y = rms_norm(x, weights, at + "post_attention_layernorm", epsilon)
        if config["model_type"] == "phi3":
            gate, up = linear(y, weights, at + "mlp.gate_up_proj").chunk(2, -1)
        else:
            gate, up = linear(y, weights, at + "mlp.gate_proj"), linear(y, weights, at + "mlp.up_proj")
        inner = ACTIVATIONS[config.get("hidden_act", "silu")](gate) * up
        x = x + linear(inner, weights, at + "mlp.down_proj")
    x = rms_norm(x, weights, "model.norm", epsilon)
    return head(x, weights, "lm_head", "model.embed_tokens.weight", config.get("tie_word_embeddings", False))


def gemma3_ropes(config, length):
    """[full, sliding]."""
    size, parameters = config.get("head_dim", 256), config.get("rope_parameters")
    if parameters:
        kinds = [parameters["full_attention"], parameters["sliding_attention"]]
        return [tables(config, kind["rope_theta"], size, length, kind) for kind in kinds]
    return [tables(config, config.get("rope_theta", 1e6), size, length),
            tables(config, config.get("rope_local_base_freq", 1e4), size, length, {})]


def gemma3(config, weights, ids, attention):
    heads, groups = config.get("num_attention_heads", 8), config.get("num_key_value_heads", 4)
    epsilon = config.get("rms_norm_eps", 1e-6)
    ropes = gemma3_ropes(config, len(ids))

    def norm(y, name):
        return rms_norm(y, weights, name, epsilon, plus=1.0)

    x = weights["model.embed_tokens.weight"][ids] * math.sqrt(config["hidden_size"])
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}."
        types, pattern = config.get("layer_types"), config.get("sliding_window_pattern", 6)
        slides = types[layer] == "sliding_attention" if types else (layer + 1) % pattern != 0
        y = norm(x, at + "input_layernorm")
        q = linear(y, weights, at + "self_attn.q_proj").reshape(len(ids), heads, -1)
        k, v = (linear(y, weights, f"{at}self_attn.{p}_proj").reshape(len(ids), groups, -1) for p in "kv")
        q = rotate(norm(q, at + "self_attn.q_norm"), *ropes[slides])
        k = rotate(norm(k, at + "self_attn.k_norm"), *ropes[slides])
        z = attention(q, k, v, config.get("query_pre_attn_scalar", 256) ** -0.5,
                      config.get("sliding_window", 4096) if slides else None, config.get("attn_logit_softcapping"))
        x = x + norm(linear(z, weights, at + "self_attn.o_proj"), at + "post_attention_layernorm")
        y = norm(x, at + "pre_feedforward_layernorm")
        inner = gelu_tanh(linear(y, weights, at + "mlp.gate_proj")) * linear(y, weights, at + "mlp.up_proj")
        x = x + norm(linear(inner, weights, at + "mlp.down_proj"), at + "post_feedforward_layernorm")
    logits = norm(x, "model.norm") @ weights["model.embed_tokens.weight"].T
    cap = config.get("final_logit_softcapping")
    return logits if cap is None else cap * torch.tanh(logits / cap)


FORWARDS = {"gpt2": gpt2, "opt": opt, "gpt_neox": gpt_neox, "phi": phi, "phi3": llama, "llama": llama,
            "mistral": llama, "qwen2": llama, "qwen3": llama, "gemma3_text": gemma3}
