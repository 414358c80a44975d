"""Small patent files, one of each format, written for these tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

GRANT = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE us-patent-grant SYSTEM "us-patent-grant-v45-2014-04-03.dtd" [ ]>
<us-patent-grant lang="EN" country="US">
<us-bibliographic-data-grant>
<publication-reference><document-id><country>US</country><doc-number>0900000{n}</doc-number>
<kind>B2</kind><date>20150407</date></document-id></publication-reference>
<classifications-ipcr><classification-ipcr>
<ipc-version-indicator><date>20060101</date></ipc-version-indicator>
<section>F</section><class>04</class><subclass>B</subclass>
<main-group>1</main-group><subgroup>053</subgroup>
</classification-ipcr></classifications-ipcr>
<classifications-cpc><main-cpc><classification-cpc>
<cpc-version-indicator><date>20130101</date></cpc-version-indicator>
<section>F</section><class>04</class><subclass>B</subclass>
<main-group>53</main-group><subgroup>1002</subgroup>
</classification-cpc></main-cpc><further-cpc><classification-cpc>
<cpc-version-indicator><date>20130101</date></cpc-version-indicator>
<section>Y</section><class>10</class><subclass>T</subclass>
<main-group>29</main-group><subgroup>49</subgroup>
</classification-cpc></further-cpc></classifications-cpc>
<invention-title id="t">Pump <i>with</i> a&#x2009;valve</invention-title>
<us-references-cited><us-citation><classification-cpc-text>A01B 1/00</classification-cpc-text>
</us-citation></us-references-cited>
</us-bibliographic-data-grant>
<abstract id="a"><p id="p1" num="0000">A pump of H<sub>2</sub>O&#x2014;<b>10</b>.</p></abstract>
<drawings id="DRAWINGS"><figure><img file="x.TIF"/></figure></drawings>
<description id="d">
<?BRFSUM description="Brief Summary" end="lead"?>
<heading id="h" level="1">BACKGROUND</heading>
<p>See <figref idref="D">FIG. 1</figref>. <tables><table><tgroup><tbody><row>
<entry>gone</entry></row></tbody></tgroup></table></tables>After the table.</p>
<p>Parts:<ul><li>a lid</li><li>a rim &#x3c; 5</li></ul></p>
<!-- not text -->
</description>
<us-claim-statement>What is claimed is:</us-claim-statement>
<claims id="claims">
<claim id="CLM-1" num="1"><claim-text>1. A pump comprising:
<claim-text>a valve; and</claim-text><claim-text>a <b>2</b> mm seat.</claim-text></claim-text>
</claim><claim id="CLM-2" num="2"><claim-text>2. The pump of
<claim-ref idref="CLM-1">claim 1</claim-ref>, red.</claim-text></claim>
</claims>
</us-patent-grant>
"""

LISTING = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE sequence-cwu SYSTEM "us-sequence-listing-2004-03-09.dtd" [ ]>
<sequence-cwu id="SEQLST-1"><s400>gcuucuagcg</s400></sequence-cwu>
"""

APPLICATION = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE us-patent-application SYSTEM "us-patent-application-v40-2004-12-02.dtd" [ ]>
<us-patent-application lang="EN" country="US">
<us-bibliographic-data-application lang="EN" country="US">
<publication-reference><document-id><country>US</country><doc-number>20050099999</doc-number>
<kind>A1</kind><date>20050512</date></document-id></publication-reference>
<classification-ipc><edition>07</edition><main-classification>A61B005/00</main-classification>
<further-classification>G06F015/16</further-classification></classification-ipc>
<invention-title>Clip</invention-title>
</us-bibliographic-data-application>
<abstract><p>A clip.</p></abstract>
<description><p>It clips.</p></description>
<claims><claim><claim-text>1-3. (canceled)</claim-text></claim>
<claim><claim-text>4. A clip.</claim-text></claim></claims>
</us-patent-application>
"""

PAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE patent-application-publication SYSTEM "pap-v15-2001-01-31.dtd" [
<!ENTITY US20010099999A1-20010510-D00001.TIF SYSTEM "US20010099999A1-20010510-D00001.TIF" NDATA TIF>
]>
<patent-application-publication>
<subdoc-bibliographic-information>
<document-id><doc-number>20010099999</doc-number><kind-code>A1</kind-code>
<document-date>20010510</document-date></document-id>
<technical-information><classification-ipc><classification-ipc-primary><ipc>H01J001/62</ipc>
</classification-ipc-primary><classification-ipc-edition>07</classification-ipc-edition>
</classification-ipc><title-of-invention> Lamp </title-of-invention></technical-information>
</subdoc-bibliographic-information>
<subdoc-abstract><heading lvl="1">Abstract of Disclosure</heading>
<paragraph id="A-1" lvl="0">A lamp at 5&plus;1 &mgr;m &lsqb;see&rsqb; &nosuchname; here.</paragraph>
</subdoc-abstract>
<subdoc-description><section><heading lvl="1">FIELD</heading>
<paragraph id="P-1" lvl="0"><number>1.</number> Lamps <highlight><bold>10</bold></highlight>b glow.
</paragraph></section></subdoc-description>
<subdoc-claims><heading lvl="1">What is claimed is:</heading>
<claim id="CLM-1"><claim-text><highlight><bold>1</bold></highlight>. A lamp.</claim-text></claim>
<claim id="CLM-2"><claim-text><highlight><bold>2</bold></highlight>. The lamp of
<dependent-claim-reference depends_on="CLM-1"><claim-text
>claim 1</claim-text></dependent-claim-reference>.</claim-text></claim></subdoc-claims>
<subdoc-drawings id="D"><figure id="f"><image id="i" file="x.TIF"/></figure></subdoc-drawings>
</patent-application-publication>
"""

PATDOC_BODY = """<PATDOC DTD="2.4" STATUS="BUILD 20010518">
<SDOBI><B100><B110><DNUM><PDAT>06999999</PDAT></DNUM></B110><B130><PDAT>B1</PDAT></B130>
<B140><DATE><PDAT>20020129</PDAT></DATE></B140><B190><PDAT>US</PDAT></B190></B100>
<B500><B510><B511><PDAT>G06F  728</PDAT></B511><B512><PDAT>G06F 1516</PDAT></B512>
<B516><PDAT>7</PDAT></B516></B510><B540><STEXT><PDAT>Adder</PDAT></STEXT></B540>
<B560><B561><PCIT><DOC><DNUM><PDAT>5000000</PDAT></DNUM></DOC></PCIT><CITED-BY-EXAMINER{empty}>
</B561></B560><B590><B595><PDAT>5</PDAT></B595><B597US{empty}></B590></B500></SDOBI>
<SDOAB><BTEXT><PARA ID="P-1" LVL="0"><PTEXT><PDAT>An adder, 10</PDAT><HIL><SP><PDAT>3</PDAT></SP>
</HIL><PDAT> &mgr;s.</PDAT></PTEXT></PARA></BTEXT></SDOAB>
<SDODE><BRFSUM><BTEXT><H LVL="1"><STEXT><PDAT>FIELD</PDAT></STEXT></H>
<PARA ID="P-2" LVL="0"><PTEXT><PDAT>It adds.</PDAT></PTEXT></PARA>
<CWU><TABLE-US><table><PDAT>gone</PDAT></table></TABLE-US></CWU>
</BTEXT></BRFSUM></SDODE>
<SDOCL><H LVL="1"><STEXT><PDAT>What is claimed is: </PDAT></STEXT></H><CL>
<CLM ID="CLM-1"><PARA ID="P-3" LVL="0"><PTEXT><PDAT>1. An adder:</PDAT></PTEXT></PARA>
<CLMSTEP LVL="2"><PTEXT><PDAT>of bits.</PDAT></PTEXT></CLMSTEP></CLM></CL></SDOCL>
<SDODR ID="DRAWINGS"><EMI ID={quote}EMI-1{quote} FILE={quote}x.TIF{quote}{empty}>
<EMI ID={quote}EMI-2{quote} FILE={quote}y.TIF{quote}{empty}></SDODR>
</PATDOC>
"""

PATDOC = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE PATDOC SYSTEM "ST32-US-Grant-025xml.dtd" [\n'
    '<!ENTITY x.TIF SYSTEM "x.TIF" NDATA TIF>\n]>\n' + PATDOC_BODY.format(empty="/", quote='"')
)

SGML = (
    '<!DOCTYPE PATDOC PUBLIC "-//USPTO//DTD ST.32 US PATENT GRANT V2.4 2000-09-20//EN" [\n'
    '<!ENTITY x.TIF SYSTEM "x.TIF" NDATA TIF>\n]>\n' + PATDOC_BODY.format(empty="", quote="")
)

GREENBOOK = """PATN
WKU  03999999{n}
SRC  5
APT  1
TTL  Hinge for a
      cover
ISD  19761221
NCL  2
INVT
NAM  Nobody; Nemo
CLAS
OCL  179 90K
EDF  2
ICL  B60R  900
ICL  H04M 1100
UREF
PNO  3518629
ABST
PAL  A hinge of .alpha.-brass at 20.degree. C.
      turns ##STR1## well.
BSUM
PAC  BACKGROUND
PAR  H.sub.2 O and .weird. things.
TBL  gone
     gone too
PAR  After.
CLMS
STM  What is claimed is:
NUM  1.
PAR  1. A hinge comprising:
PA1  a. a pin; and
PA1  b. a leaf.
NUM  2.
PAR  2. The hinge of claim 1.
"""

MAREC = """<?xml version="1.0" encoding="UTF-8"?>
<patent-document ucid="EP-1999999-B1" country="EP" doc-number="1999999" kind="B1" lang="DE"
 date="20050622"><bibliographic-data><technical-data><classifications-ipcr>
<classification-ipcr>B60C  15/00        20060101A I20051008RMEP        </classification-ipcr>
<classification-ipcr>B60C  15/00        20060101C I20051008RMEP        </classification-ipcr>
</classifications-ipcr><classification-ecla><classification-symbol scheme="EC">B60C15/00D2
</classification-symbol></classification-ecla>
<invention-title lang="DE">Reifen</invention-title><invention-title lang="EN">Tyre</invention-title>
</technical-data></bibliographic-data>
<abstract lang="DE"><p>Ein Reifen.</p></abstract><abstract lang="EN"><p/></abstract>
<description lang="DE"><heading>Gebiet</heading><p num="1">Reifen rollen.</p></description>
<claims lang="DE"><claim num="1"><claim-text>Reifen.</claim-text></claim></claims>
<claims lang="EN"><claim num="1"><claim-text>A tyre.</claim-text></claim></claims>
</patent-document>
"""

EP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE ep-patent-document PUBLIC "-//EPO//EP PATENT DOCUMENT 1.5//EN"
 "ep-patent-document-v1-5.dtd">
<ep-patent-document id="EP10000001B1" lang="fr" country="EP" doc-number="2999999" kind="B1"
 date-publ="20130102"><SDOBI lang="fr"><B500><B510EP><classification-ipcr sequence="1">
<text>G06F   3/048       20130101AFI20120101BHEP        </text></classification-ipcr></B510EP>
<B520EP><classifications-cpc><classification-cpc sequence="1">
<text>G06F   3/0488      20130101 FI20130101BHEP        </text></classification-cpc>
</classifications-cpc></B520EP><B540><B541>de</B541><B542>Schirm</B542>
<B541>en</B541><B542>Screen</B542></B540></B500></SDOBI>
<abstract id="abst" lang="fr"><p>Un écran.</p></abstract>
<description id="desc" lang="fr"><p>Il montre.</p></description>
<claims id="c1" lang="fr"><claim id="x"><claim-text>Écran.</claim-text></claim></claims>
</ep-patent-document>
"""


@pytest.fixture(scope="session")
def made() -> dict[str, str]:
    """Return the files by the name of their format."""
    return {
        "grant": GRANT.replace("{n}", "1"),
        "weekly": "".join(
            [GRANT.replace("{n}", "1"), LISTING, APPLICATION, GRANT.replace("{n}", "2")]
        ),
        "application": APPLICATION,
        "pap": PAP,
        "patdoc": PATDOC,
        "sgml": SGML,
        "greenbook": GREENBOOK.replace("{n}", "4"),
        "marec": MAREC,
        "ep": EP,
    }


@pytest.fixture(scope="session")
def dated(made: dict[str, str]) -> Callable[..., str]:
    """Return a function: days to a weekly file with a grant of each."""

    def weekly(*days: str) -> str:
        grants = (made["grant"].replace("20150407", day.replace("-", "")) for day in days)
        numbered = enumerate(grants, 1)
        return "".join(grant.replace("09000001", f"0900{n:04d}") for n, grant in numbered)

    return weekly


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file."""

    def write(text: str | bytes, name: str = "a.xml") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture(scope="session")
def real() -> Callable[[str], Path]:
    """Return a function that finds a real file under `DOMAINBERT_DATA`, or skips the test."""

    def find(name: str) -> Path:
        for folder in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
            found = Path(folder) / "patents" / name
            if found.exists():
                return found
        pytest.skip(f"DOMAINBERT_DATA names no folder with patents/{name}")

    return find
