"""Contrastive, ranking, alignment and distillation losses as pure functions of tensors.

Notation: `q` and `p` are (n, d) vectors whose row i is a pair, s(x, y) = cos(x, y) unless said otherwise, tau is the
temperature. Every function returns a scalar tensor, the mean over rows, and is tested against a hand computation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def info_nce(queries: Tensor, passages: Tensor, *, temperature: float, negatives: Tensor | None = None) -> Tensor:
    """Symmetric InfoNCE, the alignment loss of LAPCA-R (METHOD of this project, item 6).

    With z = s / tau: mean over i of ½ [ −log softmax_j(z(q_i, [p; h]_j))_i − log softmax_j(z(p_i, q_j))_i ].
    `negatives` (m, d) are hard negatives h; like in-batch passages, every query sees all of them. The passage side
    sees queries alone, because a hard negative is a passage. See also
    `heads.momentum.queue_info_nce` (negatives from earlier batches).
    Sources: van den Oord et al. 2018, eq. 4; hard negatives as in DPR (Karpukhin et al. 2020, eq. 2).
    """
    import torch
    from torch.nn import functional

    q, p = functional.normalize(queries, dim=-1), functional.normalize(passages, dim=-1)
    candidates = p if negatives is None else torch.cat([p, functional.normalize(negatives, dim=-1)])
    target = torch.arange(len(q), device=q.device)
    forward = functional.cross_entropy(q @ candidates.T / temperature, target)
    backward = functional.cross_entropy(p @ q.T / temperature, target)
    return (forward + backward) / 2


def judged_nce(queries: Tensor, candidates: Tensor, judged: Tensor, *, temperature: float) -> Tensor:
    """InfoNCE with several answers per query, each against the query's negatives alone.

    With z = s / tau: mean over queries of the mean over their answers a of
    −log [ exp z(q, a) / (exp z(q, a) + sum of exp z(q, n) over the negatives n of q) ]. `judged` (queries, candidates)
    is 1 for an answer, 0 for a negative, −1 for what is neither. A query without an answer counts for nothing.
    Sources: van den Oord et al. 2018, eq. 4; several positives, each in a term of its own: Khosla et al. 2020
    (supervised contrastive learning), eq. 2.
    """
    import torch
    from torch.nn import functional

    scores = functional.normalize(queries, dim=-1) @ functional.normalize(candidates, dim=-1).T / temperature
    nothing = torch.finfo(scores.dtype).min  # not infinite, for a query without negatives has a gradient too
    rivals = scores.masked_fill(judged != 0, nothing).logsumexp(dim=1, keepdim=True)
    answers = judged == 1
    costs = functional.softplus(rivals - scores).masked_fill(~answers, 0.0)
    counts = answers.sum(dim=1)
    return (costs.sum(dim=1) / counts.clamp(min=1)).sum() / (counts > 0).sum().clamp(min=1)


def question_passage_nll(
    queries: Tensor, passages: Tensor, *, temperature: float = 1.0, negatives: Tensor | None = None
) -> Tensor:
    """One-directional negative log-likelihood of the positive passage, the fine-tuning loss of dense retrievers.

    mean over i of −log softmax_j(q_i · [p; h]_j / tau)_i with the plain dot product (normalise before the call for
    cosine). Source: Karpukhin et al. 2020 (DPR), eq. 2.
    """
    import torch
    from torch.nn import functional

    candidates = passages if negatives is None else torch.cat([passages, negatives])
    return functional.cross_entropy(queries @ candidates.T / temperature, torch.arange(len(queries)).to(queries.device))


def relevance_regression(scores: Tensor, grades: Tensor) -> Tensor:
    """Relevance ranking RR: mean of (score − grade)², `scores` from a linear head on the joint [CLS] vector.

    Grades are 1 for the aligned section and 0 for an easy or hard negative. Source: Yu, Fei, Li 2021, section 3.2.
    """
    from torch.nn import functional

    return functional.mse_loss(scores, grades.to(scores.dtype))


def similarity_regularisation(vectors: Tensor, label_vectors: Tensor) -> Tensor:
    """Pull the cosine of two queries towards the cosine of their labels (answers), and the reverse.

    With A = cos(v_i, v_j) and B = cos(l_i, l_j) over i < j: ½ mean [(A − sg(B))² + (sg(A) − B)²], sg = stop gradient.
    Source: Liu et al. 2020 (label regularisation), each side detached in turn.
    """
    import torch
    from torch.nn import functional

    v, labels = functional.normalize(vectors, dim=-1), functional.normalize(label_vectors, dim=-1)
    rows, columns = torch.triu_indices(len(v), len(v), offset=1, device=v.device)
    a, b = (v @ v.T)[rows, columns], (labels @ labels.T)[rows, columns]
    return ((a - b.detach()).square().mean() + (a.detach() - b).square().mean()) / 2


def vector_distillation(student: Tensor, target: Tensor) -> Tensor:
    """Mean over i of 1 − cos(student_i, target_i); the target takes no gradient.

    With another model's vector of a text's aligned counterpart this is multilingual distillation (Reimers & Gurevych
    2020, with cosine for mean squared error); with the start model's vector of the same text it is a brake that keeps
    what the start model knew.
    """
    from torch.nn import functional

    return (1 - functional.cosine_similarity(student, target.detach(), dim=-1)).mean()


def score_distillation(student: Tensor, target: Tensor, *, temperature: float = 1.0) -> Tensor:
    """KL(softmax(target / t) || softmax(student / t)) · t², mean over rows of (n, candidates) scores.

    Source: Hinton et al. 2015, section 2; for retrieval scores Lin et al. 2021 (in-batch teacher).
    """
    from torch.nn import functional

    wanted = functional.log_softmax(target.detach() / temperature, dim=-1)
    guess = functional.log_softmax(student / temperature, dim=-1)
    return functional.kl_div(guess, wanted, reduction="batchmean", log_target=True) * temperature**2


def reverse_gradient(vectors: Tensor, strength: float = 1.0) -> Tensor:
    """The identity forwards; backwards the gradient times −`strength`.

    Source: Ganin & Lempitsky 2015, eq. 8-9.
    """
    turned = vectors.view_as(vectors)
    if turned.requires_grad:
        turned.register_hook(lambda gradient: -strength * gradient)  # type: ignore[no-untyped-call]
    return turned


def language_adversarial(logits: Tensor, languages: Tensor) -> Tensor:
    """Cross-entropy of a language classifier fed with `reverse_gradient(vectors)`.

    The classifier learns to tell the language, the encoder to hide it. `logits` (n, languages), `languages` (n,).
    Source: Ganin & Lempitsky 2015, with languages as domains.
    """
    from torch.nn import functional

    return functional.cross_entropy(logits, languages)
