"""PubMed XML made for tests of the reader."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import strategies as st

from domainbert import DataError, Document
from domainbert_bio.medline import read_medline

NLM = (
    '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">'
)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")))


def citation(pmid: int, title: str = "T.", abstract: str = "") -> str:
    body = f"<Abstract>{abstract}</Abstract>" if abstract else ""
    return (
        f'<MedlineCitation Status="MEDLINE"><PMID Version="1">{pmid}</PMID><Article>'
        f"<ArticleTitle>{title}</ArticleTitle>{body}</Article></MedlineCitation>"
    )


def article(pmid: int, title: str = "T.", abstract: str = "") -> str:
    references = "<ReferenceList><Reference><PMID>9</PMID></Reference></ReferenceList>"
    return (
        f"<PubmedArticle>{citation(pmid, title, abstract)}"
        f"<PubmedData>{references}</PubmedData></PubmedArticle>"
    )


def article_set(*articles: str, doctype: str = NLM) -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{doctype}\n<PubmedArticleSet>\n'
        + "\n".join(articles)
        + "\n</PubmedArticleSet>\n"
    )


def written(folder: Path, xml: str | bytes, name: str = "a.xml") -> Path:
    path = folder / name
    path.write_bytes(xml.encode() if isinstance(xml, str) else xml)
    return path


def read(folder: Path, xml: str | bytes, name: str = "a.xml") -> list[Document]:
    return list(read_medline(written(folder, xml, name)))


def refusal(folder: Path, xml: str | bytes, name: str = "a.xml") -> str:
    with pytest.raises(DataError) as caught:
        read(folder, xml, name)
    assert name in str(caught.value)
    return str(caught.value)
