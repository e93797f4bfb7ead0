"""What every contestant is given: models with random weights, and rows as text and as token ids."""

import json
import os
import subprocess

import peer_safetensors


def read_rows(path, count):
    """The first `count` rows of a JSON Lines file; where it has fewer, they come round again under new ids."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    rounds = -(-count // len(rows))
    if rounds == 1:
        return rows[:count]
    return [{**row, "id": f"{turn}-{index}"} for turn in range(rounds) for index, row in enumerate(rows)][:count]


def write_rows(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    return path


def tiny_rows(count, tokens, vocabulary):
    """Token rows of equal length, half prompt; ids from a fixed linear sequence."""
    return [{"id": f"tiny-{row}", "token_ids": [(7919 * (row * tokens + i) + 13) % vocabulary for i in range(tokens)],
             "prompt_tokens": tokens // 2} for row in range(count)]


def write_model(options, shape, root):
    """Writes the model of that shape beneath `root` and returns its directory."""
    directory = os.path.join(root, shape)
    subprocess.run([os.path.join(options.binaries, "headscope-model-writer"), "--shape", shape, "--tokenizer",
                    options.tokenizer, "-o", directory], check=True)
    return directory


def token_rows(service, model, rows, samples, end_of_sequence):
    """Rows of text as token ids, as the service's tokenizer makes them; checked against the counts in `samples`."""
    made = []
    for row, sample in zip(rows, samples):
        ids, prompt_tokens = service.tokenize(model, row)
        if len(ids) + 1 == sample["tokens"]:
            ids = ids + [end_of_sequence]
        if len(ids) != sample["tokens"]:
            raise RuntimeError(f"row {sample['id']}: {len(ids)} ids, but the job counted {sample['tokens']}")
        made.append({"id": sample["id"], "token_ids": ids, "prompt_tokens": prompt_tokens})
    return made


class ModelFacts:
    """Of a written model: what its configuration says and what a gradient costs."""

    def __init__(self, directory):
        config, weights = peer_safetensors.read_directory(directory)
        self.end_of_sequence = config["eos_token_id"]
        self.vocabulary = config["vocab_size"]
        self.positions = config.get("n_positions") or config["max_position_embeddings"]
        embedding = next(weight for name, weight in weights.items()
                         if name.endswith(("wte.weight", "embed_tokens.weight")))
        self.head_weights = embedding.numel()
        self.layer_weights = sum(weight.numel() for name, weight in weights.items()
                                 if weight.dim() == 2 and (".h." in f".{name}" or ".layers." in name))
        self.weight_bytes = sum(weight.numel() * 4 for weight in weights.values())

    def gradient_flops(self, samples):
        """2 F: 4 FLOPs per token and weight of the layers' products, and per supervised token and weight of the
        vocabulary head."""
        return sum(4.0 * self.layer_weights * sample["tokens"] + 4.0 * self.head_weights * sample["response_tokens"]
                   for sample in samples)
