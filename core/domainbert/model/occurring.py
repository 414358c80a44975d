"""Train only those rows of an embedding table whose tokens occur, with the same outcome.

A row without a gradient is changed by AdamW's weight decay alone, which multiplies all such rows by
the same factor. So a small table learns, with one row of ones that never occurs: what becomes of it
is that factor. Half of the weights of a small encoder are rows, and few of them occur in a task.

Legend: V vocabulary, R rows that occur, H hidden size.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


class OccurringRows(nn.Module):
    """Vectors of the tokens that occur, instead of a table; other ids are out of range.

    Args:
        table: The table, (V, H); not changed until `to_table`.
        ids: Token ids that occur.
    """

    def __init__(self, table: nn.Embedding, ids: Iterable[int]) -> None:
        super().__init__()
        self.table = [table]  # in a list, so that its rows are no parameters of this module
        whole_VH = table.weight.detach()
        padding = table.padding_idx
        found = set(ids) if padding is None else {*ids, padding}
        self.ids_R = torch.tensor(sorted(found), device=whole_VH.device)
        n_rows = len(self.ids_R)
        self.row_V = self.ids_R.new_full((len(whole_VH),), n_rows + 1)
        self.row_V[self.ids_R] = torch.arange(n_rows, device=whole_VH.device)
        ones_1H = whole_VH.new_ones((1, whole_VH.shape[1]))
        self.weight = nn.Parameter(torch.cat([whole_VH[self.ids_R], ones_1H]))
        self.padding = None if padding is None else int(self.row_V[padding])

    def forward(self, input_ids_BL: Tensor) -> Tensor:
        """Return the vectors of tokens, shape (B, L, H)."""
        return nn.functional.embedding(self.row_V[input_ids_BL], self.weight, self.padding)

    @torch.no_grad()
    def to_table(self) -> nn.Embedding:
        """Return the table as training leaves it."""
        (table,) = self.table
        table.weight *= self.weight[-1, 0]
        table.weight[self.ids_R] = self.weight[:-1]
        return table
