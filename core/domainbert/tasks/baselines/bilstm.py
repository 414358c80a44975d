"""BiLSTM baselines: a small network on words, or on the word pieces of the base.

One layer of 128 hidden units in each direction, on the CPU, with a softmax per word or per text, or
a CRF over the words of a window. A text is the maximum of its states (Conneau et al. 2017, arXiv
1705.02364). Any task kind works whose `forward` takes scores from `score_words` or `score_texts`
alone.

Legend: B windows, L length, V vocabulary, E width of word vectors, H hidden size of both
directions, W scored words, X rows of scores, C outputs.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from domainbert.keyed_random import derive_key
from domainbert.model.dropout import QuickDropout
from domainbert.model.occurring import OccurringRows
from domainbert.plugin.components import LoadedTask, Predictions, TaskKind
from domainbert.plugin.domain import Window
from domainbert.plugin.registry import calling
from domainbert.recipe.evaluate import EvaluateSection
from domainbert.run.heartbeat import heartbeat
from domainbert.tasks.baselines.chain import LinearChain
from domainbert.tasks.candidate import pad_windows
from domainbert.tasks.learning import of_similar_length, scored_in_batches
from domainbert.tasks.metrics.score import kind_of, primary_metric, score
from domainbert.tokenizer.load import load_tokenizer
from domainbert.training.schedule import descend

HIDDEN, WIDTH, DROPOUT = 128, 100, 0.3
"""Hidden units in each direction, width of the vectors of words, and dropout."""
_RATE, _BATCH = 2e-3, 32
# The score on validation is taken after each round; so many without a better one end training.
_ROUNDS, _PATIENCE, _ROUND_STEPS = 12, 2, (25, 200)
# Tokens that are read of a text; longer sentences to tag are read in overlapping windows.
_LENGTH = 256
# A word that training has n times is unknown with a chance of a / (a + n), so that the vector of
# unknown words learns (Kiperwasser and Goldberg 2016, arXiv 1603.04351).
_UNKNOWN_SHARE = 0.25
_PAD, _UNKNOWN = 0, 1
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")


class BiLstm(nn.Module):
    """Scores words or texts.

    Args:
        vectors_VE: Initial word vectors, which learn.
        n_outputs: Number of classes or tags.
        drop_V: How often each entry is read as the unknown one in training.
        crf: Whether a chain joins the tags of a window.
    """

    drop_V: Tensor

    def __init__(
        self, vectors_VE: Tensor, n_outputs: int, drop_V: Tensor, crf: bool = False
    ) -> None:
        super().__init__()
        size, width = vectors_VE.shape
        self.embedding: Any = nn.Embedding(size, width, _weight=vectors_VE)
        self.lstm = nn.LSTM(width, HIDDEN, batch_first=True, bidirectional=True)
        self.dropout = QuickDropout(DROPOUT)
        self.classifier = nn.Linear(2 * HIDDEN, n_outputs)
        self.chain = LinearChain(n_outputs) if crf else None
        self.register_buffer("drop_V", drop_V)

    def score_words(
        self, input_ids_BL: Tensor, mask_BL: Tensor, rows_W: Tensor, columns_W: Tensor
    ) -> Tensor:
        """Return scores of the words at given places, shape (W, C)."""
        states_BLH = self._states(input_ids_BL, mask_BL)
        scores_WC: Tensor = self.classifier(states_BLH[rows_W, columns_W])
        return scores_WC

    def score_texts(self, input_ids_BL: Tensor, mask_BL: Tensor) -> Tensor:
        """Return scores of texts, shape (B, C)."""
        states_BLH = self._states(input_ids_BL, mask_BL)
        states_BLH = states_BLH.masked_fill(mask_BL.unsqueeze(-1) == 0, -torch.inf)
        scores_BC: Tensor = self.classifier(states_BLH.amax(dim=1))
        return scores_BC

    def _states(self, input_ids_BL: Tensor, mask_BL: Tensor) -> Tensor:
        if self.training:
            dropped_BL = torch.rand(input_ids_BL.shape) < self.drop_V[input_ids_BL]
            input_ids_BL = input_ids_BL.masked_fill(dropped_BL, _UNKNOWN)
        read_BLE = self.dropout(self.embedding(input_ids_BL))
        packed = pack_padded_sequence(
            read_BLE, mask_BL.sum(dim=1), batch_first=True, enforce_sorted=False
        )
        length = input_ids_BL.shape[1]
        states_BLH, _ = pad_packed_sequence(
            self.lstm(packed)[0], batch_first=True, total_length=length
        )
        dropped: Tensor = self.dropout(states_BLH)
        return dropped


_Windows = Mapping[str, list[Window]]
"""A task in the tokens of a network, per split."""


def predict_words(loaded: LoadedTask, seed: int, crf: bool = False) -> Predictions:
    """Return predictions of a BiLSTM on the words of the training split, drawn at random.

    Case is ignored. Words that training lacks share one vector. With `crf`, the tags of the words
    of a window are one path through a linear-chain CRF.
    """
    kind = kind_of(loaded.task)
    tokenizer, counts = _word_tokenizer(kind, loaded)
    windows = _encode(kind, loaded, tokenizer)
    vocabulary = tokenizer.get_vocab()
    drop_V = torch.zeros(len(vocabulary))
    for word, count in counts.items():
        drop_V[vocabulary[word]] = _UNKNOWN_SHARE / (_UNKNOWN_SHARE + count)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_key("bilstm", seed))
        vectors_VE = torch.randn(len(vocabulary), WIDTH) / WIDTH**0.5
        n_outputs = len(kind.outputs(loaded.task))
        return _fit(loaded, windows, BiLstm(vectors_VE, n_outputs, drop_V, crf))


def check_crf(loaded: LoadedTask) -> str:
    """Return why a CRF cannot work on a task, or an empty string."""
    tagged = kind_of(loaded.task).head(EvaluateSection()) == "tokens"
    return "" if tagged else "its records have no words to tag, which a CRF needs"


def predict_pieces(loaded: LoadedTask, seed: int, base: Path) -> Predictions:
    """Return predictions of a BiLSTM on the base's word pieces, whose vectors learn on."""
    import transformers

    from domainbert.model.opening import from_folder

    kind = kind_of(loaded.task)
    windows = _encode(kind, loaded, load_tokenizer(base))
    encoder = from_folder(transformers.AutoModel, base, f"{base}: has no word vectors")
    vectors_VE = encoder.get_input_embeddings().weight.detach().float()
    ids = {i for window in chain.from_iterable(windows.values()) for i in window.input_ids}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_key("bilstm", seed))
        n_outputs = len(kind.outputs(loaded.task))
        model = BiLstm(vectors_VE, n_outputs, torch.zeros(len(vectors_VE)))
        model.embedding = OccurringRows(model.embedding, ids | {_PAD})
        return _fit(loaded, windows, model)


def _word_tokenizer(kind: TaskKind, loaded: LoadedTask) -> tuple[Any, Counter[str]]:
    """Return a tokenizer of the words of training, and how often each occurs there.

    A kind that scores words has them between blanks; other texts are cut at signs, too.
    """
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    given = kind.head(EvaluateSection()) == "tokens"
    normaliser = normalizers.Lowercase()
    cutter = pre_tokenizers.WhitespaceSplit() if given else pre_tokenizers.Whitespace()
    counts = Counter[str]()
    for record in loaded.splits["train"]:
        text = normaliser.normalize_str(kind.text(record))
        counts.update(word for word, _ in cutter.pre_tokenize_str(text))
    for special in _SPECIAL:
        counts.pop(special, None)
    vocabulary = {word: number for number, word in enumerate((*_SPECIAL, *sorted(counts)))}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))  # noqa: S106
    tokenizer.normalizer, tokenizer.pre_tokenizer = normaliser, cutter
    frames = [(token, vocabulary[token]) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", pair="[CLS] $A [SEP] $B", special_tokens=frames
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names), counts


def _encode(kind: TaskKind, loaded: LoadedTask, tokenizer: Any) -> _Windows:
    settings = EvaluateSection(max_seq_length=_LENGTH)
    return {
        split: kind.encode(records, tokenizer, settings) for split, records in loaded.splits.items()
    }


def _fit(loaded: LoadedTask, windows: _Windows, model: BiLstm) -> Predictions:
    """Train a network, and return the predictions of its best round on validation."""
    kind, task, train = kind_of(loaded.task), loaded.task, loaded.splits["train"]
    targets, bias_C = kind.targets(task, train), kind.bias(task, train)
    if bias_C is not None:
        model.classifier.bias.data.copy_(torch.from_numpy(bias_C))
    optimizer = torch.optim.Adam(model.parameters(), lr=_RATE)
    batches = _batches(windows["train"])
    low, high = _ROUND_STEPS
    steps = min(max(len(windows["train"]) // _BATCH, low), high)
    metric = primary_metric(task)
    best, kept, waited = -np.inf, model.state_dict(), 0
    for _ in range(_ROUNDS):
        model.train()
        for _ in range(steps):
            heartbeat(f"{task.name}, BiLSTM")
            _train_step(kind, model, optimizer, next(batches), targets)
        made = _predict(loaded, windows, model, ["validation"])
        value = score(task, made["validation"])[metric.name]
        waited = 0 if value > best else waited + 1
        if value > best:
            best, kept = value, copy.deepcopy(model.state_dict())
        if waited == _PATIENCE and best > metric.low:
            break
    model.load_state_dict(kept)
    return _predict(loaded, windows, model, ["validation", "test"])


def _batches(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Yield shuffled batches of similar lengths without end."""
    while True:
        order = torch.randperm(len(windows)).tolist()
        made = of_similar_length((windows[number] for number in order), _BATCH)
        yield from (made[number] for number in torch.randperm(len(made)).tolist())


def _train_step(
    kind: TaskKind,
    model: BiLstm,
    optimizer: torch.optim.Optimizer,
    batch: list[Window],
    targets: Sequence[Any],
) -> None:
    scores_XC = _scores(kind, model, batch)
    if model.chain is None:
        assert kind.loss  # noqa: S101  # it suits kinds that learn
        with calling(kind):
            loss = kind.loss(scores_XC, batch, targets)
    else:
        gold = [torch.tensor([targets[w.record][word] for word in w.words]) for w in batch]
        loss = model.chain.loss(*_by_window(scores_XC, batch), pad_sequence(gold, True))
    descend(loss, model, optimizer)


def _by_window(scores_WC: Tensor, batch: list[Window]) -> tuple[Tensor, Tensor]:
    """Return the scores of words by their windows, (B, L, C), and their mask, (B, L)."""
    sizes = [len(window.words) for window in batch]
    mask_BL = torch.arange(max(sizes)) < torch.tensor(sizes).unsqueeze(1)
    return pad_sequence(scores_WC.split(sizes), batch_first=True), mask_BL


def _scores(kind: TaskKind, model: BiLstm, batch: list[Window]) -> Tensor:
    """Return the scores of a batch, shape (X, C)."""
    ids_BL, mask_BL = pad_windows(batch, _PAD, _LENGTH)
    with calling(kind):
        scores_XC: Tensor = kind.forward(model, ids_BL, mask_BL, batch)
    return scores_XC


def _predict(
    loaded: LoadedTask, windows: _Windows, model: BiLstm, splits: Sequence[str]
) -> Predictions:
    kind, outputs = kind_of(loaded.task), model.classifier.out_features
    model.eval()

    def rows(batch: list[Window]) -> Tensor:
        scores_XC = _scores(kind, model, batch)
        if model.chain is None:
            return scores_XC
        # The best path has no score per word; 1 for its tag and 0 for others is decoded alike.
        scores_BLC, mask_BL = _by_window(scores_XC, batch)
        return one_hot(model.chain.best_path(scores_BLC, mask_BL), outputs)[mask_BL].float()

    scores = {s: scored_in_batches(windows[s], outputs, rows) for s in splits}
    return kind.decode(loaded.task, loaded.splits, scores)
