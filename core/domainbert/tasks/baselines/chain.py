"""A linear-chain CRF on scores of words (Lafferty et al. 2001; Lample et al. 2016, 1603.01360).

Hand-written, since the libraries for it in PyTorch have had no release since 2021, or have one
author and two releases.

Legend: B sentences, L words of the longest one, C tags. Masks are true in the words of a sentence,
which stand before the padding; a sentence has one word at least. Scores are float32.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class LinearChain(nn.Module):
    """Scores of the tags at both ends of a sentence, and of each tag after each other one.

    All begin at zero, where the chain is a softmax per word.
    """

    def __init__(self, n_tags: int) -> None:
        super().__init__()
        self.first_C = nn.Parameter(torch.zeros(n_tags))
        self.last_C = nn.Parameter(torch.zeros(n_tags))
        # Row: the tag before; column: the tag after it.
        self.moves_CC = nn.Parameter(torch.zeros(n_tags, n_tags))

    def loss(self, scores_BLC: Tensor, mask_BL: Tensor, gold_BL: Tensor) -> Tensor:
        """Return the negative log-likelihood of the gold tags per word, a scalar.

        Args:
            scores_BLC: Scores of the words.
            mask_BL: Words of each sentence, bool.
            gold_BL: Numbers of the gold tags, int64; any number in the padding.
        """
        losses_B = self.log_partition(scores_BLC, mask_BL)
        losses_B = losses_B - self.path_score(scores_BLC, mask_BL, gold_BL)
        return losses_B.sum() / mask_BL.sum()

    def log_partition(self, scores_BLC: Tensor, mask_BL: Tensor) -> Tensor:
        """Return the log of the sum over all paths, by the forward algorithm, (B,)."""
        sums_BC = self.first_C + scores_BLC[:, 0]
        for scores_BC, mask_B in zip(scores_BLC.unbind(1)[1:], mask_BL.unbind(1)[1:], strict=True):
            onward_BC = (sums_BC.unsqueeze(2) + self.moves_CC).logsumexp(dim=1) + scores_BC
            sums_BC = torch.where(mask_B.unsqueeze(1), onward_BC, sums_BC)
        return (sums_BC + self.last_C).logsumexp(dim=1)

    def path_score(self, scores_BLC: Tensor, mask_BL: Tensor, path_BL: Tensor) -> Tensor:
        """Return the score of one path per sentence, (B,)."""
        words_BL = scores_BLC.gather(2, path_BL.unsqueeze(2)).squeeze(2)
        moves_BL = self.moves_CC[path_BL[:, :-1], path_BL[:, 1:]]
        ends_B1 = mask_BL.sum(dim=1, keepdim=True) - 1
        edges_B = self.first_C[path_BL[:, 0]] + self.last_C[path_BL.gather(1, ends_B1).squeeze(1)]
        return edges_B + (words_BL * mask_BL).sum(dim=1) + (moves_BL * mask_BL[:, 1:]).sum(dim=1)

    def best_path(self, scores_BLC: Tensor, mask_BL: Tensor) -> Tensor:
        """Return the tags of the path with the highest score, by Viterbi, int64, (B, L).

        The padding repeats the last tag.
        """
        best_BC, before = self.first_C + scores_BLC[:, 0], list[Tensor]()
        same_C = torch.arange(len(self.first_C))
        for scores_BC, mask_B in zip(scores_BLC.unbind(1)[1:], mask_BL.unbind(1)[1:], strict=True):
            onward_BC, before_BC = (best_BC.unsqueeze(2) + self.moves_CC).max(dim=1)
            inside_B1 = mask_B.unsqueeze(1)
            best_BC = torch.where(inside_B1, onward_BC + scores_BC, best_BC)
            before.append(torch.where(inside_B1, before_BC, same_C))
        path = [(best_BC + self.last_C).argmax(dim=1, keepdim=True)]
        for before_BC in reversed(before):
            path.append(before_BC.gather(1, path[-1]))
        return torch.cat(path[::-1], dim=1)
