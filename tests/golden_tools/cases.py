"""The self-made cases: what each is for, its config.json and how its weights are stored."""

import dataclasses

COMMON = {"vocab_size": 61, "hidden_size": 24, "intermediate_size": 28, "num_hidden_layers": 2,
          "num_attention_heads": 4, "max_position_embeddings": 64, "tie_word_embeddings": False}
GEMMA3 = {**COMMON, "model_type": "gemma3_text", "num_hidden_layers": 3, "num_key_value_heads": 1, "head_dim": 10,
          "query_pre_attn_scalar": 12, "rms_norm_eps": 1e-6, "sliding_window": 5, "tie_word_embeddings": True}
LLAMA = {**COMMON, "model_type": "llama", "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "hidden_act": "silu"}
QWEN = {**COMMON, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "hidden_act": "silu", "rope_theta": 1000.0}


@dataclasses.dataclass
class Case:
    config: dict
    # Tokens of each sample, and how many of them are prompt.
    samples: list
    dtype: str = "F32"
    shards: int = 1
    # As the language model of a larger one: the prefix of its names, and tensors of the part that is skipped.
    inside: str = ""


def without(config, *keys):
    return {key: value for key, value in config.items() if key not in keys}


CASES = {
    # Two ropes, the full one scaled; a window shorter than the samples on two layers of three.
    "gemma3_text": Case({**GEMMA3, "sliding_window_pattern": 3, "rope_theta": 1000.0, "rope_local_base_freq": 100.0,
                         "rope_scaling": {"rope_type": "linear", "factor": 8.0}}, [(24, 6), (3, 1), (31, 12)]),
    # The same family inside of a model that also sees, with the newer keys, in bfloat16.
    "gemma3": Case({**GEMMA3, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 2.0,
                    "layer_types": ["full_attention", "sliding_attention", "full_attention"],
                    "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 2000.0},
                                        "sliding_attention": {"rope_type": "default", "rope_theta": 50.0}}},
                   [(20, 4), (27, 13)], dtype="BF16", inside="language_model."),
    # Samples up to, at and beyond the original length; windows; columns that are not rotated.
    "phi3_longrope": Case({**COMMON, "model_type": "phi3", "hidden_size": 32, "num_key_value_heads": 2,
                           "rms_norm_eps": 1e-5, "partial_rotary_factor": 0.75, "rope_theta": 100.0,
                           "original_max_position_embeddings": 16, "sliding_window": 9,
                           "rope_scaling": {"type": "su", "short_factor": [1.0, 1.3, 1.6],
                                            "long_factor": [1.5, 4.0, 7.0]}},
                          [(11, 4), (16, 5), (17, 6), (40, 20)]),
    "llama_yarn": Case({**LLAMA, "hidden_size": 32, "head_dim": 16, "num_key_value_heads": 1, "rope_theta": 20.0,
                        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "beta_fast": 4.0,
                                         "original_max_position_embeddings": 16}}, [(12, 4), (45, 20)]),
    # Windows from layer 1 on; yarn with every key.
    "qwen2_yarn_window": Case({**without(QWEN, "rope_theta"), "model_type": "qwen2", "head_dim": 12,
                               "use_sliding_window": True, "max_window_layers": 1, "sliding_window": 6,
                               "rope_parameters": {"rope_type": "yarn", "rope_theta": 30.0, "factor": 3.0,
                                                   "original_max_position_embeddings": 20, "beta_fast": 3.0,
                                                   "beta_slow": 0.5, "truncate": False, "mscale": 0.8,
                                                   "mscale_all_dim": 0.3}}, [(9, 3), (38, 17)]),
    # Every bias, one key head, shards, float16, samples longer than the positions before stretching.
    "llama_linear_float16": Case({**LLAMA, "num_key_value_heads": 1, "head_dim": 10, "attention_bias": True,
                                  "mlp_bias": True, "max_position_embeddings": 20, "rope_theta": 500.0,
                                  "rope_scaling": {"type": "linear", "factor": 2.5}}, [(8, 2), (33, 15)],
                                 dtype="F16", shards=3),
    "llama_dynamic": Case({**LLAMA, "head_dim": 8, "max_position_embeddings": 16, "rope_theta": 100.0,
                           "rope_scaling": {"rope_type": "dynamic", "factor": 2.0}}, [(12, 4), (17, 6), (30, 11)]),
    "llama3_long": Case({**LLAMA, "head_dim": 12, "rope_theta": 300.0, "tie_word_embeddings": True,
                         "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                          "high_freq_factor": 4.0, "original_max_position_embeddings": 16}},
                        [(10, 3), (44, 21)]),
    # As OPT 350m.
    "opt_post_norm": Case({**without(COMMON, "intermediate_size", "tie_word_embeddings"), "model_type": "opt",
                           "ffn_dim": 28, "do_layer_norm_before": False, "word_embed_proj_dim": 14},
                          [(13, 4), (25, 9)]),
    "opt_no_bias": Case({**without(COMMON, "intermediate_size"), "model_type": "opt", "ffn_dim": 28,
                         "enable_bias": False, "_remove_final_layer_norm": True, "activation_function": "gelu"},
                        [(14, 5), (22, 8)]),
    "gpt_neox_sequential": Case({**COMMON, "model_type": "gpt_neox", "use_parallel_residual": False,
                                 "layer_norm_eps": 1e-5, "hidden_act": "gelu",
                                 "rope_parameters": {"rope_type": "default", "rope_theta": 200.0,
                                                     "partial_rotary_factor": 0.7}}, [(15, 4), (26, 12)]),
    "gpt_neox_unbiased": Case({**COMMON, "model_type": "gpt_neox", "attention_bias": False, "rotary_pct": 1.0,
                               "rotary_emb_base": 300, "layer_norm_eps": 1e-5, "hidden_act": "gelu_new",
                               "tie_word_embeddings": True}, [(15, 4), (21, 8)]),
    # Norms on heads, grouped keys.
    "phi_normed": Case({**COMMON, "model_type": "phi", "hidden_size": 40, "num_key_value_heads": 2,
                        "qk_layernorm": True, "partial_rotary_factor": 0.4, "layer_norm_eps": 1e-5,
                        "hidden_act": "gelu_new", "rope_theta": 100.0}, [(15, 4), (23, 12)]),
    "qwen3_biased": Case({**QWEN, "model_type": "qwen3", "head_dim": 10, "attention_bias": True,
                          "use_sliding_window": True, "sliding_window": 4,
                          "layer_types": ["sliding_attention", "full_attention"]}, [(14, 5), (29, 10)]),
    # Shards of bfloat16.
    "mistral_bfloat16": Case({**COMMON, "model_type": "mistral", "num_key_value_heads": 2, "head_dim": 8,
                              "rms_norm_eps": 1e-5, "sliding_window": 7, "rope_theta": 400.0},
                             [(12, 3), (28, 14)], dtype="BF16", shards=2),
    "gpt2_inverse_layer": Case({"model_type": "gpt2", "vocab_size": 61, "n_embd": 24, "n_layer": 3, "n_head": 3,
                                "n_positions": 40, "n_inner": 20, "layer_norm_epsilon": 1e-5,
                                "scale_attn_by_inverse_layer_idx": True}, [(12, 3), (28, 14)], dtype="F16"),
}
