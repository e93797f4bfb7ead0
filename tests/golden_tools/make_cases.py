"""Makes the self-made golden cases, or checks the formulas against the others.

  python3 make_cases.py DIRECTORY [NAME...]   writes the cases, or those named, into DIRECTORY
  python3 make_cases.py --check CASE...       compares with the expected values of existing case directories

Needs numpy and torch (Debian's python3-numpy and python3-torch). The same versions write the same bytes.
"""

import json
import os
import sys
import zlib

import numpy
import torch

from adapters import ADAPTERS, draw_adapter, merged, write_adapter
from case_weights import draw, write_checkpoint
from cases import CASES
from plain_models import FORWARDS
from plain_parts import Attention
from safetensors_reading import read_checkpoint

# Of the base's samples.
ADAPTER_SAMPLES = 3


def objective(config, weights, sample, silenced=None):
    """Mean negative log-likelihood of the response, the last logits, and each layer's probabilities [H, T, T]."""
    attention = Attention(silenced)
    ids, prompt = torch.tensor(sample["token_ids"]), sample["prompt_tokens"]
    logits = FORWARDS[config["model_type"]](config, weights, ids, attention)
    rows, targets = logits[prompt - 1 : -1], ids[prompt:]
    nll = (torch.logsumexp(rows, -1) - rows.gather(1, targets[:, None])[:, 0]).mean()
    return nll, logits[-1], attention.probabilities


def expected_of(config, weights, sample):
    leaves = {name: tensor.clone().requires_grad_(True) for name, tensor in weights.items()}
    nll, last, probabilities = objective(config, leaves, sample)
    gradients = torch.autograd.grad(nll, probabilities)
    signed = [(a * gradient).sum((1, 2)).tolist() for a, gradient in zip(probabilities, gradients)]
    ablation = [[float(objective(config, weights, sample, (layer, head))[0] - nll) for head in range(len(row))]
                for layer, row in enumerate(signed)]
    return {"id": sample["id"], "nll": float(nll), "last_logits": last[:8].tolist(), "signed": signed,
            "zero_ablation": ablation}


def expected_set(config, weights, samples):
    results = [expected_of(config, weights, sample) for sample in samples]
    pattern = torch.tensor([result["signed"] for result in results], dtype=torch.float64).abs().mean(0)
    return {"pattern": pattern.tolist(), "samples": results}


def doubles(weights):
    return {name: torch.from_numpy(numpy.array(values, dtype=numpy.float64)) for name, values in weights.items()}


def write_case(directory, name):
    case = CASES[name]
    seed = zlib.crc32(name.encode())
    os.makedirs(directory, exist_ok=True)
    weights = draw(case.config, case.dtype, seed)
    random = numpy.random.RandomState(seed ^ 1)
    samples = [{"id": f"s{i}", "token_ids": random.randint(0, case.config["vocab_size"], length).tolist(),
                "prompt_tokens": prompt} for i, (length, prompt) in enumerate(case.samples)]
    config, stored = case.config, weights
    if case.inside:
        config = {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"],
                  "text_config": case.config, "vision_config": {"hidden_size": 6}}
        stored = {case.inside + key: values for key, values in weights.items()}
        for skipped in ("vision_tower.vision_model.embeddings.position_embedding.weight",
                        "multi_modal_projector.mm_input_projection_weight"):
            stored[skipped] = numpy.ones([2, 6], dtype="<f4")
    write_checkpoint(directory, stored, case.dtype, case.shards)
    with open(os.path.join(directory, "config.json"), "w") as file:
        json.dump(config, file, indent=1, sort_keys=True)
        file.write("\n")
    with open(os.path.join(directory, "samples.jsonl"), "w") as file:
        file.writelines(json.dumps(sample) + "\n" for sample in samples)
    with open(os.path.join(directory, "expected.json"), "w") as file:
        json.dump(expected_set(case.config, doubles(weights), samples), file, indent=1)
        file.write("\n")


def write_adapter_case(directory, name):
    adapter = ADAPTERS[name]
    base = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", adapter.base)
    with open(os.path.join(base, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(base, "samples.jsonl")) as file:
        rows = file.readlines()[:ADAPTER_SAMPLES]
    os.makedirs(directory, exist_ok=True)
    weights = read_checkpoint(base)
    tensors = draw_adapter(adapter, weights, zlib.crc32(name.encode()))
    write_adapter(directory, adapter, tensors)
    with open(os.path.join(directory, "samples.jsonl"), "w") as file:
        file.writelines(rows)
    with open(os.path.join(directory, "expected.json"), "w") as file:
        expected = expected_set(config, doubles(merged(adapter, weights, tensors)), [json.loads(row) for row in rows])
        json.dump(expected, file, indent=1)
        file.write("\n")


def differences(directory):
    """Of a case's expected values: largest difference of the scores, relative to the largest, and of the objectives."""
    with open(os.path.join(directory, "config.json")) as file:
        config = json.load(file)
    with open(os.path.join(directory, "samples.jsonl")) as file:
        samples = [json.loads(line) for line in file]
    with open(os.path.join(directory, "expected.json")) as file:
        wanted = json.load(file)
    found = expected_set(config, doubles(read_checkpoint(directory)), samples)
    score, nll = 0.0, 0.0
    for one, other in zip(found["samples"], wanted["samples"]):
        a, b = torch.tensor(one["signed"]), torch.tensor(other["signed"])
        score = max(score, float((a - b).abs().max() / b.abs().max()))
        nll = max(nll, abs(one["nll"] - other["nll"]) / other["nll"])
    return score, nll


def main(arguments):
    if not arguments or arguments[0].startswith("--") and arguments[0] != "--check":
        raise SystemExit(__doc__)
    if arguments[0] == "--check":
        for directory in arguments[1:]:
            score, nll = differences(directory)
            print(f"{os.path.basename(os.path.normpath(directory)):24} scores {score:.1e}  nll {nll:.1e}")
        return
    for name in arguments[1:] or [*CASES, *ADAPTERS]:
        write = write_adapter_case if name in ADAPTERS else write_case
        write(os.path.join(arguments[0], name), name)


if __name__ == "__main__":
    main(sys.argv[1:])
