"""What the plugin declares. Importing this opens no file."""

from __future__ import annotations

from pathlib import Path

from domainbert import Corpus, DataFile, Domain, Task, Terms
from domainbert_legal import contract_nli, cuad, cuad_questions, lexglue
from domainbert_legal.contracts import read_contract
from domainbert_legal.eu_law import read_eu_law
from domainbert_legal.opinions import read_opinions

PACKAGE = Path(__file__).parent
SAMPLE = PACKAGE / "sample"
# HEAD is the default branch of a repository, whatever its name; the hash pins the content.
CUAD = (
    "https://raw.githubusercontent.com/maastrichtlawtech/law3027-advanced-legal-analytics/HEAD/"
    "data/CUAD_v1"
)
CUAD_ARCHIVE = "https://raw.githubusercontent.com/TheAtticusProject/cuad/HEAD/data.zip"
CONTRACT_NLI = "https://raw.githubusercontent.com/shu7bh/Contract-NLI/HEAD/dataset"
SAMPLE_LABELS = (
    "assignment", "confidentiality", "governing-law", "indemnity", "intellectual-property",
    "liability", "payment", "termination",
)  # fmt: skip

_OWN = "Written for this project; see sample/README.md in the package"
_SPLITS = ("train", "validation", "test")
_CUAD_CITATION = (
    "Dan Hendrycks, Collin Burns, Anya Chen and Spencer Ball. CUAD: An expert-annotated NLP "
    "dataset for legal contract review. NeurIPS 2021, datasets and benchmarks; arXiv 2103.06268."
)

_CORPORA = (
    Corpus(
        name="sample",
        title="Contracts, opinions and regulations written for this project, for trying things out",
        licence="CC0-1.0",
        origin=_OWN,
        files=(SAMPLE / "corpus.jsonl",),
    ),
    Corpus(
        name="contracts",
        title="Contracts as plain text, a file a document; you bring the files (.txt)",
        licence="CC BY 4.0 for CUAD's contracts; of your contracts, what their parties agreed",
        origin="https://www.atticusprojectai.org/cuad",
        read=read_contract,
        citation=_CUAD_CITATION,
    ),
    Corpus(
        name="eu-law",
        title="EU acts and judgments; you bring the files (Formex 4, Akoma Ntoso or XHTML)",
        licence="CC BY 4.0, as the notice of EUR-Lex says for what it publishes",
        origin="https://eur-lex.europa.eu/",
        read=read_eu_law,
    ),
    Corpus(
        name="us-opinions",
        title="Opinions of US courts; you bring the files (CourtListener, Caselaw Access Project)",
        licence="Public domain (opinions of US courts); see the source for what editors added",
        origin="https://www.courtlistener.com/help/api/bulk-data/ and https://static.case.law/",
        read=read_opinions,
    ),
)

_SAMPLE_CLAUSES = Task(
    name="sample-clauses",
    title="Kinds of clauses written for this project; no benchmark",
    kind="classification",
    licence="CC0-1.0",
    origin=_OWN,
    version="1",
    splits={split: SAMPLE / "clauses" / f"{split}.tsv" for split in _SPLITS},
    labels=SAMPLE_LABELS,
    sample=True,
)

_CUAD_CLAUSES = Task(
    name="cuad-clauses",
    title="CUAD: categories of a clause of a contract, 37 classes, several each",
    kind="classification",
    licence="CC BY 4.0",
    origin="https://github.com/maastrichtlawtech/law3027-advanced-legal-analytics",
    version="1",
    splits=dict.fromkeys(
        _SPLITS,
        DataFile(
            sha256="4da237bec677bf5b02212d523857cd57a801adde60e8021de063c8cc06823720",
            size=3955428,
            name="cuad-master-clauses.csv",
            url=f"{CUAD}/master_clauses.csv",
        ),
    ),
    labels=cuad.LABELS,
    read=cuad.read_clauses,
    multi_label=True,
    notes=(
        "Of 510 contracts and 41 categories. Left out are four whose texts are names and dates: "
        f"{', '.join(cuad.METADATA)}. No official split: the hash of its name puts about 20 % of "
        "the contracts in test and 10 % in validation, parts of one contract together. How many "
        "clauses that makes is not published, so counts are not declared."
    ),
    citation=_CUAD_CITATION,
)

_CUAD = Task(
    name="cuad",
    title="CUAD: the parts of a contract that concern each of 41 categories, or none",
    kind="question-answering",
    licence="CC BY 4.0",
    origin="https://github.com/TheAtticusProject/cuad",
    version="1",
    splits=dict.fromkeys(
        _SPLITS,
        DataFile(
            sha256="f8161d18bea4e9c05e78fa6dda61c19c846fb8087ea969c172753bc2f45b999a",
            size=18309308,
            name="cuad-data.zip",
            url=CUAD_ARCHIVE,
        ),
    ),
    labels=(),
    read=cuad_questions.read_questions,
    counts={"train+validation": {"records": 22450}, "test": {"records": 102 * 41}},
    notes=(
        "The published training and test files of 408 and 102 contracts; hash, size and counts are "
        "those that Hugging Face's `datasets` lists for the archive. In training a question with "
        "several answers stands once for each. The hash of its name puts about 10 % of the "
        "training contracts in validation, where each such question has all of its answers."
    ),
    citation=_CUAD_CITATION,
)


def _judged(name: str, sha256: str, size: int) -> DataFile:
    return DataFile(sha256, size, f"contract-nli-{name}.json", f"{CONTRACT_NLI}/{name}.json")


_CONTRACT_NLI = Task(
    name="contract-nli",
    title="ContractNLI: whether a contract entails, contradicts or does not mention a hypothesis",
    kind="pairs",
    licence="CC BY 4.0",
    origin="https://github.com/shu7bh/Contract-NLI",
    version="2",
    splits={
        "train": _judged(
            "train", "dbceb356cd6203b35b27be94a5fa85e499a81c34c42c89ad53060b39f0257ba5", 7608211
        ),
        "validation": _judged(
            "dev", "310af7d661d2ab50ee3700169cef524c75f39fb296bbf5a515c229eb0f42e68e", 1183107
        ),
        "test": _judged(
            "test", "460267b56052a2dc5aead98eb35eadef9e6734d5723d37b4a9790e410f812387", 2260203
        ),
    },
    labels=contract_nli.LABELS,
    read=contract_nli.read_contract_nli,
    counts={
        split: {"records": contracts * contract_nli.HYPOTHESES}
        for split, contracts in zip(_SPLITS, (423, 61, 123), strict=True)
    },
    notes=(
        "The three published files: 423, 61 and 123 contracts with 17 hypotheses each. The "
        "evidence is checked and not read."
    ),
    citation=(
        "Yuta Koreeda and Christopher D. Manning. ContractNLI: A dataset for document-level "
        "natural language inference for contracts. Findings of EMNLP 2021, 1907-1919."
    ),
)

LEGAL = Domain(
    name="legal",
    title="Law: contracts, EU law and court opinions",
    corpora=_CORPORA,
    terms=Terms(
        path=PACKAGE / "terms.txt",
        licence="CC0-1.0",
        origin="Written by hand for this project by subject area; no published lexicon was copied",
    ),
    tasks=(_SAMPLE_CLAUSES, _CUAD_CLAUSES, _CUAD, _CONTRACT_NLI, *lexglue.TASKS),
    default_recipe="legal/quickstart",
    languages=("en",),
)
