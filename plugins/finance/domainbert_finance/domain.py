"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, Domain, Terms
from domainbert_finance import public
from domainbert_finance.calls import read_call
from domainbert_finance.feed import EDGAR
from domainbert_finance.fomc import read_fomc
from domainbert_finance.items import read_10k
from domainbert_finance.reuters import read_reuters
from domainbert_finance.submission import read_submission
from domainbert_finance.tasks import OWN, SAMPLE, TASKS

PACKAGE = Path(__file__).parent
_SEC_LICENCE = "Public record; companies may hold copyright in what they file"
_REUTERS_LICENCE = (
    "Free for research purposes only, says the collection's README; copyright Reuters"
)
_REUTERS_CITATION = "David D. Lewis. Reuters-21578 text categorization test collection, 1997."
_FOMC_LICENCE = (
    "Work of the United States government, in the public domain; the files of "
    "gtfintechlab/fomc-hawkish-dovish are under CC BY-NC 4.0 (no commercial use)"
)
_PUBLIC = "https://github.com/dgunning/edgartools"
_EDGAR = "https://www.sec.gov/search-filings"

_CORPORA = (
    Corpus(
        name="sample",
        title="Reports and news written for this project, for trying things out",
        licence="CC0-1.0",
        origin=OWN,
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
    Corpus(
        name="fomc-texts",
        title="Minutes, speeches, press conferences of the FOMC; you bring the files (.txt, .csv)",
        licence=_FOMC_LICENCE,
        origin="https://www.federalreserve.gov/monetarypolicy/fomccalendars.htm",
        read=read_fomc,
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
    tasks=TASKS,
    default_recipe="finance/quickstart",
    languages=("en",),
)
