"""Rotary positions from a config.json, written from the papers and the keys' descriptions, in numpy and doubles.

Frequencies and angles are rounded to float32 as the families' reference implementations do; nothing else is.
"""

import math

import numpy


def scaling_object(config, layer_type=None):
    """The rope's object, whichever generation of keys has it, and whether it is the newer one."""
    if config.get("rope_parameters"):
        parameters = config["rope_parameters"]
        return (parameters[layer_type] if layer_type in parameters else parameters)
    return config.get("rope_scaling") or {}


def base_frequencies(theta, dimensions):
    return theta ** (-numpy.arange(0, dimensions, 2) / dimensions)


def llama3(frequencies, scaling):
    """Slow down waves longer than the original context, keep short ones, blend between."""
    original, factor = scaling["original_max_position_embeddings"], scaling["factor"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    turns = original * frequencies / (2 * math.pi)
    kept = numpy.clip((turns - low) / (high - low), 0, 1)
    return frequencies * (kept + (1 - kept) / factor)


def yarn(frequencies, scaling, theta, dimensions, positions):
    """arXiv 2309.00071: which pairs are kept, which slowed down, and the factor on cosine and sine."""
    factor = scaling["factor"]
    original = scaling.get("original_max_position_embeddings", positions)

    def pair_of(turns):
        return dimensions * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))

    low, high = pair_of(scaling.get("beta_fast", 32)), pair_of(scaling.get("beta_slow", 1))
    if scaling.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, dimensions - 1)
    slowed = numpy.clip((numpy.arange(dimensions // 2) - low) / (high - low), 0, 1)
    magnitude = scaling.get("attention_factor")
    if magnitude is None:
        numerator, denominator = scaling.get("mscale"), scaling.get("mscale_all_dim")
        magnitude = 0.1 * math.log(factor) + 1
        if numerator and denominator:
            magnitude = (0.1 * numerator * math.log(factor) + 1) / (0.1 * denominator * math.log(factor) + 1)
    return frequencies * (1 - slowed) + frequencies / factor * slowed, magnitude


def longrope(frequencies, scaling, config, length):
    """arXiv 2402.13753: one set of factors up to the original length, another beyond it."""
    original = scaling.get("original_max_position_embeddings", config.get("original_max_position_embeddings", 4096))
    stretch = config["max_position_embeddings"] / original
    magnitude = math.sqrt(1 + math.log(stretch) / math.log(original)) if stretch > 1 else 1.0
    factors = scaling["long_factor"] if length > original else scaling["short_factor"]
    return frequencies / numpy.array(factors), scaling.get("attention_factor", magnitude)


def dynamic(scaling, theta, dimensions, positions, length):
    """The base grows once a sample is longer than the model's positions."""
    if length > positions:
        factor = scaling["factor"]
        theta = theta * (factor * length / positions - (factor - 1)) ** (dimensions / (dimensions - 2))
    return base_frequencies(theta, dimensions)


def rope(config, scaling, theta, dimensions, length):
    """Cosine and sine [length, dimensions / 2] of a sample of `length` tokens."""
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    if config["model_type"] == "phi3" and kind in ("su", "yarn"):
        kind = "longrope"
    frequencies, magnitude = base_frequencies(theta, dimensions), 1.0
    positions = config["max_position_embeddings"]
    if kind == "linear":
        frequencies = frequencies / scaling["factor"]
    elif kind == "llama3":
        frequencies = llama3(frequencies, scaling)
    elif kind == "yarn":
        frequencies, magnitude = yarn(frequencies, scaling, theta, dimensions, positions)
    elif kind == "longrope":
        frequencies, magnitude = longrope(frequencies, scaling, config, length)
    elif kind == "dynamic":
        frequencies = dynamic(scaling, theta, dimensions, positions, length)
    elif kind != "default":
        raise ValueError(kind)
    angles = numpy.outer(numpy.arange(length, dtype=numpy.float32), frequencies.astype(numpy.float32))
    angles = angles.astype(numpy.float32).astype(numpy.float64)
    return numpy.cos(angles) * magnitude, numpy.sin(angles) * magnitude
