"""Norms, activations and attention in float64 torch, one sample at a time."""

import math

import torch


def layer_norm(x, weights, name, epsilon):
    centred = x - x.mean(-1, keepdim=True)
    normed = centred / torch.sqrt((centred**2).mean(-1, keepdim=True) + epsilon)
    return normed * weights[name + ".weight"] + weights[name + ".bias"]


def rms_norm(x, weights, name, epsilon, plus=0.0):
    return x / torch.sqrt((x**2).mean(-1, keepdim=True) + epsilon) * (plus + weights[name + ".weight"])


def linear(x, weights, name):
    """x [T, in] -> [T, out], with the bias where the file has one."""
    y = x @ weights[name + ".weight"].T
    return y + weights[name + ".bias"] if name + ".bias" in weights else y


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2)))


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def silu(x):
    return x / (1 + torch.exp(-x))


ACTIVATIONS = {"relu": torch.relu, "gelu": gelu, "gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "silu": silu}


def rotate(x, cosine, sine):
    """x [T, heads, d]: the first half of the rotated columns turns with the second; the rest stays."""
    half = cosine.shape[-1]
    first, second, rest = x[..., :half], x[..., half : 2 * half], x[..., 2 * half :]
    cosine, sine = cosine[:, None], sine[:, None]
    return torch.cat([first * cosine - second * sine, second * cosine + first * sine, rest], -1)


class Attention:
    """Keeps each layer's probabilities so that gradients of them can be taken, and silences a head where asked."""

    def __init__(self, silenced=None):
        self.silenced = silenced  # (layer, head)
        self.probabilities = []

    def __call__(self, q, k, v, scale, window=None, cap=None):
        """q [T, H, d], k and v [T, G, d] -> [T, H * d]."""
        length, heads, layer = q.shape[0], q.shape[1], len(self.probabilities)
        group = heads // k.shape[1]
        scores = torch.stack([q[:, h] @ k[:, h // group].T for h in range(heads)]) * scale
        if cap is not None:
            scores = cap * torch.tanh(scores / cap)
        query, key = torch.arange(length)[:, None], torch.arange(length)[None, :]
        seen = key <= query
        if window is not None:
            seen = seen & (query - key < window)
        exponentials = torch.where(seen, torch.exp(scores - scores.amax(-1, keepdim=True).detach()), 0.0)
        a = exponentials / exponentials.sum(-1, keepdim=True)
        self.probabilities.append(a)
        z = [a[h] @ v[:, h // group] for h in range(heads)]
        if self.silenced is not None and self.silenced[0] == layer:
            z[self.silenced[1]] = z[self.silenced[1]] * 0.0
        return torch.cat(z, -1)
