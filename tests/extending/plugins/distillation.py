"""Distillation: the model keeps to what its base predicts at the masked positions."""

import domainbert


def prepare(job):
    """Return the base, which does not learn."""
    return job.frozen_copy()


def soft_targets(forward):
    """Return the KL divergence from the base, summed over masked tokens."""
    import torch
    from torch.nn import functional

    with torch.no_grad():
        base_NV = forward.prepared.logits(forward.batch).log_softmax(dim=1)
    own_NV = forward.logits_NV.log_softmax(dim=1)
    terms_NV = functional.kl_div(own_NV, base_NV, reduction="none", log_target=True)
    masked_N = forward.batch.targets_N >= 0
    return terms_NV.sum(dim=1)[masked_N].sum()


@domainbert.hookimpl
def domainbert_components():
    """Yield the objective."""
    yield domainbert.Objective(
        "distillation",
        count=lambda batch: len(batch.targets_N),
        loss=soft_targets,
        prepare=prepare,
    )
