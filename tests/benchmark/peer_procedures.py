"""The two procedures that the service is measured against, both on plain PyTorch.

Both take samples as (token_ids, prompt_tokens) and yield one float64 array [layers, heads] of signed scores per sample.
"""

import torch
from torch.nn import functional

IGNORED = -100


def padded_batch(samples, length, pad_id):
    """samples -> (token_ids int64 [B, length], mask bool [B, length], labels int64 [B, length])."""
    token_ids = torch.full((len(samples), length), pad_id, dtype=torch.int64)
    labels = torch.full((len(samples), length), IGNORED, dtype=torch.int64)
    mask = torch.zeros((len(samples), length), dtype=torch.bool)
    for row, (ids, prompt_tokens) in enumerate(samples):
        ids = torch.tensor(ids, dtype=torch.int64)
        token_ids[row, : len(ids)] = ids
        mask[row, : len(ids)] = True
        labels[row, prompt_tokens : len(ids)] = ids[prompt_tokens:]
    # The first token is predicted from nothing.
    labels[:, 0] = IGNORED
    return token_ids, mask, labels


def paper_scores(model, samples, batch_size, pad_length, pad_id):
    """(a) The paper's released procedure (methods.md 1.1): every sample padded to `pad_length`, gradients for the
    weights as well, eager attention, retain_grad on the post-softmax matrices, the loss a token mean over the batch.
    A score is the signed sum over the matrix of A * dL/dA with L the batch's loss."""
    length = min(pad_length, model.positions)
    for weight in model.parameters():
        weight.requires_grad_(True)
    for first in range(0, len(samples), batch_size):
        token_ids, mask, labels = padded_batch(samples[first : first + batch_size], length, pad_id)
        matrices = []

        def keep(layer, matrix):
            matrix.retain_grad()
            matrices.append(matrix)
            return matrix

        logits = model.logits(model.hidden(token_ids, mask, keep)).float()
        shifted = logits[:, :-1].contiguous()
        loss = functional.cross_entropy(shifted.view(-1, shifted.shape[-1]), labels[:, 1:].reshape(-1),
                                        ignore_index=IGNORED)
        loss.backward()
        # [layer, B, H] -> [B, layer, H]
        scores = torch.stack([(matrix * matrix.grad).sum(dim=(2, 3)) for matrix in matrices]).transpose(0, 1)
        for weight in model.parameters():
            weight.grad = None
        yield from scores.detach().double().numpy()


def careful_scores(model, samples, batch_size, leaf):
    """(b) A careful loop: frozen weights, batches of samples of similar length, logits at supervised positions only,
    and gradients of nothing but the attention. `leaf` says of what: "attention" (the post-softmax matrices) or "gates"
    (one factor per sample and head on the matrices). Each sample's loss is its own token mean, so scores are per sample
    and batching changes nothing."""
    order = sorted(range(len(samples)), key=lambda index: len(samples[index][0]))
    results = [None] * len(samples)
    for first in range(0, len(samples), batch_size):
        chosen = order[first : first + batch_size]
        batch = [samples[index] for index in chosen]
        token_ids, mask, labels = padded_batch(batch, len(batch[-1][0]), 0)
        matrices, gates = [], []

        def observe(layer, matrix):
            if leaf == "gates":
                gates.append(torch.ones(matrix.shape[:2], dtype=matrix.dtype, requires_grad=True))
                return matrix * gates[-1][:, :, None, None]
            if not matrix.requires_grad:
                matrix.requires_grad_(True)
            matrices.append(matrix)
            return matrix

        hidden = model.hidden(token_ids, mask, observe)[:, :-1]
        targets = labels[:, 1:]
        supervised = targets != IGNORED
        losses = functional.cross_entropy(model.logits(hidden[supervised]).float(), targets[supervised],
                                          reduction="none")
        counts = supervised.sum(dim=1, keepdim=True).expand_as(supervised)[supervised]
        total = (losses / counts).sum()
        if leaf == "gates":
            scores = torch.stack(torch.autograd.grad(total, gates))
        else:
            gradients = torch.autograd.grad(total, matrices)
            scores = torch.stack([(matrix.detach() * gradient).sum(dim=(2, 3))
                                  for matrix, gradient in zip(matrices, gradients)])
        for index, score in zip(chosen, scores.transpose(0, 1).double().numpy()):
            results[index] = score
    yield from results
