"""GPT-2 and Llama decoders with eager attention, written as users of PyTorch write them: the benchmark's peers.

Letters: B batch, H heads, Q query positions, K key positions, d head_dim, D width.
"""

import math

import torch
from torch.nn import functional

import peer_safetensors


class Decoder:
    """What both families share: eager attention over post-softmax matrices that an observer may look at."""

    def __init__(self, config, weights):
        self.config = config
        self.weights = weights

    def attention(self, layer, query, key, value, visible, observer):
        """query, key, value [B, H, K, d], visible bool [B, 1, Q, K] -> merged heads [B, Q, H * d]."""
        scores = query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])
        lowest = torch.finfo(scores.dtype).min
        scores = torch.where(visible, scores, torch.full([], lowest, dtype=scores.dtype))
        matrix = torch.softmax(scores, dim=-1, dtype=torch.promote_types(scores.dtype, torch.float32)).to(value.dtype)
        matrix = observer(layer, matrix)
        mixed = matrix @ value
        return mixed.transpose(1, 2).flatten(2)

    def parameters(self):
        return self.weights.values()

    def logits(self, hidden):
        return functional.linear(hidden, self.head)

    @staticmethod
    def visible(mask):
        """mask bool [B, K] of real tokens -> bool [B, 1, Q, K]: earlier or same, and real."""
        length = mask.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool).tril()
        return causal[None, None] & mask[:, None, None, :]


class Gpt2(Decoder):
    def __init__(self, config, weights):
        super().__init__(config, {name.removeprefix("transformer."): value for name, value in weights.items()})
        self.layers = config["n_layer"]
        self.heads = config["n_head"]
        self.positions = config["n_positions"]
        self.epsilon = config.get("layer_norm_epsilon", 1e-5)

    @property
    def head(self):
        return self.weights["wte.weight"]

    def norm(self, name, x):
        return functional.layer_norm(x, x.shape[-1:], self.weights[name + ".weight"], self.weights[name + ".bias"],
                                     self.epsilon)

    def conv1d(self, name, x):
        weight = self.weights[name + ".weight"]
        bias = self.weights.get(name + ".bias")
        flat = x.reshape(-1, x.shape[-1])
        rows = flat @ weight if bias is None else torch.addmm(bias, flat, weight)
        return rows.view(*x.shape[:-1], -1)

    def hidden(self, token_ids, mask, observer):
        """token_ids int64 [B, Q], mask bool [B, Q] -> hidden states [B, Q, D] after the final norm."""
        x = self.weights["wte.weight"][token_ids] + self.weights["wpe.weight"][: token_ids.shape[1]]
        visible = self.visible(mask)
        for layer in range(self.layers):
            block = f"h.{layer}"
            qkv = self.conv1d(block + ".attn.c_attn", self.norm(block + ".ln_1", x))
            query, key, value = (part.unflatten(2, (self.heads, -1)).transpose(1, 2) for part in qkv.chunk(3, dim=-1))
            mixed = self.attention(layer, query, key, value, visible, observer)
            x = x + self.conv1d(block + ".attn.c_proj", mixed)
            inner = self.conv1d(block + ".mlp.c_fc", self.norm(block + ".ln_2", x))
            inner = 0.5 * inner * (1 + torch.tanh(math.sqrt(2 / math.pi) * (inner + 0.044715 * inner.pow(3))))
            x = x + self.conv1d(block + ".mlp.c_proj", inner)
        return self.norm("ln_f", x)


class Llama(Decoder):
    def __init__(self, config, weights):
        super().__init__(config, weights)
        self.layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config.get("num_key_value_heads") or self.heads
        self.head_dim = config.get("head_dim") or config["hidden_size"] // self.heads
        self.positions = config["max_position_embeddings"]
        self.epsilon = config.get("rms_norm_eps", 1e-6)
        if config.get("rope_scaling"):
            raise ValueError("the peers know the unscaled rotary embedding only")
        exponent = torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim
        self.frequency = 1.0 / config.get("rope_theta", 10000.0) ** exponent

    @property
    def head(self):
        return self.weights.get("lm_head.weight", self.weights["model.embed_tokens.weight"])

    def norm(self, name, x):
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        scaled = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weights[name + ".weight"] * scaled.to(x.dtype)

    def linear(self, name, x):
        return functional.linear(x, self.weights[name + ".weight"], self.weights.get(name + ".bias"))

    def rotate(self, x, cosine, sine):
        """x [B, H, Q, d], cosine and sine [Q, d]."""
        first, second = x.chunk(2, dim=-1)
        return x * cosine + torch.cat([-second, first], dim=-1) * sine

    def hidden(self, token_ids, mask, observer):
        """token_ids int64 [B, Q], mask bool [B, Q] -> hidden states [B, Q, D] after the final norm."""
        x = self.weights["model.embed_tokens.weight"][token_ids]
        visible = self.visible(mask)
        angles = torch.outer(torch.arange(token_ids.shape[1], dtype=torch.float32), self.frequency).repeat(1, 2)
        cosine, sine = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
        for layer in range(self.layers):
            block = f"model.layers.{layer}"
            normed = self.norm(block + ".input_layernorm", x)
            query, key, value = (
                self.linear(f"{block}.self_attn.{part}_proj", normed).unflatten(2, (-1, self.head_dim)).transpose(1, 2)
                for part in "qkv")
            query, key = self.rotate(query, cosine, sine), self.rotate(key, cosine, sine)
            key, value = (part.repeat_interleave(self.heads // self.kv_heads, dim=1) for part in (key, value))
            mixed = self.attention(layer, query, key, value, visible, observer)
            x = x + self.linear(block + ".self_attn.o_proj", mixed)
            normed = self.norm(block + ".post_attention_layernorm", x)
            gate = functional.silu(self.linear(block + ".mlp.gate_proj", normed))
            x = x + self.linear(block + ".mlp.down_proj", gate * self.linear(block + ".mlp.up_proj", normed))
        return self.norm("model.norm", x)


def load(directory, dtype):
    """The model of a Hugging Face directory with its weights in `dtype`, none of which requires a gradient yet."""
    config, weights = peer_safetensors.read_directory(directory)
    families = {"gpt2": Gpt2, "llama": Llama}
    if config["model_type"] not in families:
        raise ValueError(f"the peers know {sorted(families)}, not {config['model_type']!r}")
    weights = {name: value.to(dtype) for name, value in weights.items() if value.is_floating_point()}
    return families[config["model_type"]](config, weights)
