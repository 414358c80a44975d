"""Entity recognition sets of MTL-Bioinformatics-2016, all of one form, as tasks.

The repository has fifteen sets in columns (IOB2), each with an official train, devel and test file.
Fourteen are declared here. The fifteenth is the NCBI disease corpus: its devel and test files are
those of the task `ncbi-disease`, byte for byte, and its train file differs by the abstract that
stands twice there. A second task with the same test file would only be mistaken for other data.
"""

from __future__ import annotations

from typing import NamedTuple

from domainbert import DataFile, Task

ADDRESS = (
    "https://raw.githubusercontent.com/cambridgeltl/MTL-Bioinformatics-2016/"
    "df0df02fae6dbb87d88ffcf323b9096528f06f84/data"
)

# Per set: its folder and entity types; then per file size, hash, sentences, tokens, and mentions of
# each type. Counted on the files, of train, devel and test in this order.
_SETS = """
BC5CDR: Chemical Disease
  | 1039940 b731361c0ed73afd04cc5fdad39afcdfd8f325d6e46c282339185a91d1af4c14
    4560 118170 5203 4182
  | 1031781 b909de65c4f7e3c23bb09ad52d654cdc92e96db941abe1a5dcf6f6010c03cff5
    4581 117453 5347 4246
  | 1080717 e41a2843a5fff0cd8d1a88cb147968d61ae29336ca70cddc3d7fb8ff21dfa1e8
    4797 124750 5385 4424

BC5CDR-chem: Chemical
  | 983140 165c4cd2efadd0caf1bb8f3c6bcd3acca199446bb3d55eb06d9137114c9a0b2d
    4560 118170 5203
  | 976029 3f1df5cfcff95735663ffc37121fd3687e82b1e9a019bec0480491502652721b
    4581 117453 5347
  | 1023429 6fce42139a9d819151eff3ab8cb0eda6fbf861fd17d4cfe6be2123f010a3b6c5
    4797 124750 5385

BC5CDR-disease: Disease
  | 976013 d630dafe7dd67e21350cc3278dbdcfadcccbb2b63d0fda83b2427853988e5ad9
    4560 118170 4182
  | 967926 8c3af95475029c2100c2b7c0108b2715bc700ac198c7a21d587f11f1d06b17bd
    4581 117453 4246
  | 1017600 a530bf9e17a4122b101b09cedd5f3cf8e6307d6a0093146c33b8de2e69ec0fa3
    4797 124750 4424

BC2GM: GENE
  | 2894167 46e17f4e1509483b82c03f27d6f0214020f738fb71704356fb3445eb824ab38d
    12574 355405 15197
  | 577660 33a94577aa22f1e70ec9e02781a05baa4e1390e866d28bf2b344888e4e3d4103
    2519 71042 3061
  | 1165057 30d7a4f571ca8ed22a044528063ba5d0388d666d8b8b329733d6927e5fb30764
    5038 143465 6325

AnatEM: Anatomy
  | 1280190 bd4235e9673f7c67667c1eb321903a51544a94cf481ba265b527b3104d6ba806
    5861 153823 6946
  | 480960 0758bb2f26ec12fc717c1054b64ea00a40c7aae26b21a7541b86fbfba66119ec
    2118 58785 2139
  | 833816 a3d6555f6f5b7809fc014bee975be0db93c012d770ab60c190cf37d589e97fc9
    3830 99976 4616

linnaeus: Species
  | 2088795 74c8612944a4de87665680989a3d589c843562d3ec175e3b512295691b221d9a
    11935 280960 2119
  | 696409 042b5676d4f541995d617f43e2926afdf6653ed60ad9010c2f45b78ae869f2b6
    4078 93815 711
  | 1228864 1792b82f7cf9159fd71de38b139a457dbc5ca126c13ac9e355a5fad3e65930ad
    7142 164653 1433

CRAFT: SO GGP Taxon CHEBI CL GO
  | 2176552 3c49de4dba0a490459d2f7c8c0d1ae7659e2efeff8b1afec610226902f525979
    10875 278226 9203 8506 3204 2968 2894 2251
  | 789180 95960d9a2fe97e437ca864c3e4c3f2c77c29a3bf8d3483c5e52a7e1a0f46b4ce
    3730 100166 3817 2290 1415 916 832 457
  | 1538241 f4d105baa2ad0db0aab6348ec9f90af00ce8175bc47282ddb5079d01d884b90c
    7425 196904 5954 5268 2249 2169 1769 1472

BioNLP09: Protein
  | 1898574 abf9a6242bbd932e725f85d6ceb0ece41aae3c96775e45d18364868a1ad7bfe1
    7462 227742 9296
  | 371410 9cfebba60ecb0db64ce9153c3500f2e7e995c6c5e827f0d7f3e7a9dc5422aada
    1448 44185 2078
  | 627309 b4e2acba0863bbd9ed27264adafc3e1d0b1cd764334366a622d662eeb5c310f4
    2446 74624 3589

BioNLP11EPI: Protein
  | 1363908 96c531c78b76b7e1f7d38547e6f6a321c6781a6f199c151f443855765996d34f
    5698 161576 7586
  | 463908 522435a7f9e8fb22d2a0575493b3e8dbbe6bafedae944c7d346c7fffd55e06d5
    1955 54760 2495
  | 986053 fa4aa96d5f318cafa741fffa5e3fa542f29f0b67320f0b8ba7e1f8780848490b
    4122 116105 5730

BioNLP11ID: Protein Organism Chemical Regulon-operon
  | 694919 0ec273b9fbf05d15d347a06d67fe084afc18a1738c574b0b4f544d756ad280f7
    2496 81856 3197 1873 594 10
  | 186697 cc48d04e83a22adcb2a7071c0beb956fff444dd5f40efe4b09f8b04dafeccc43
    721 22917 1055 385 131 27
  | 518107 94cc21cf0b86a5af059c7d93f7f3a7c717c413004a291b7edc70efc3b5dc4591
    1961 61643 2299 1213 248 50

BioNLP13CG: Gene_or_gene_product Cell Cancer Simple_chemical Organism Multi-tissue_structure
  Tissue Cellular_component Organ Organism_substance Pathological_formation
  Immaterial_anatomical_entity Organism_subdivision Amino_acid Anatomical_system
  Developing_anatomical_structure
  | 943120 016ee311428431433c46ceeebeba5fce9c3da9bfd05fafcc484e57a736ea91e7
    3033 83467 4028 1939 1226 1097 901 416 317 294 194 145 96 52 47 40 21 13
  | 316312 6c834f3a16ed080940e7e12d831ca8f79458d08db5d6f0c1fdbfe85c3c7a072c
    1003 27599 1360 540 432 446 296 138 86 95 71 36 44 19 12 33 3 5
  | 593469 9ee374ba1b93af177ba3d39dfda4c7e1602bd703d8011bae46a34f3d719cd338
    1906 52771 2520 1013 924 727 518 303 184 180 156 102 88 31 39 62 17 17

BioNLP13GE: Protein
  | 587490 6961abede2a0a14cd984674435accf6f4bbb201361bf04a796a248c2ffce3759
    2449 75068 3566
  | 636590 b09afafc63fc4fcc2ddc3a5a0a9711c973bc1aecee48e3e5afec6364e39b83b4
    2737 81071 4132
  | 813448 812fdb078ad257d3b87a6f9ff62a37cf622225cf3763bdaed9c897169b528cfa
    3391 104643 4359

BioNLP13PC: Gene_or_gene_product Simple_chemical Complex Cellular_component
  | 801157 3bba35afa15be3048240154c9b529e0e4f011f53ed7200b15762f00236e2ab02
    2499 69244 5468 1178 729 478
  | 267181 e04545457858133fd5c80bef67f7904fc51fa099d119346400477f6bf1d30957
    857 23646 1836 451 244 203
  | 532249 61bc26bf06a3481adc8ac7032a59e3c71c1ff16ceb81a039b43b4d3e8ae3c06a
    1695 46196 3587 858 529 332

Ex-PTM: Protein
  | 337937 93633cfd1b3722960f17c632a92d0cc403168fbaddef5d4e7027761cdbb13ac6
    1377 39888 1787
  | 107908 488bb9fc78dd439473158753a87bc341016835bc4698b0756bcd52cd80e4de1e
    437 12664 603
  | 447408 f4da237c2caced544a20ce7567835e840a410fa329f9ef33f62cb343e7481e0d
    1839 53020 2308
"""


class _About(NamedTuple):
    """What a set is, for people.

    Args:
        title: One line.
        citation: Where it was published.
        licence: That of its publisher, where it is known to be another than the repository's.
    """

    title: str
    citation: str
    licence: str = ""


_CDR = (
    "Jiao Li et al. BioCreative V CDR task corpus: a resource for chemical disease relation "
    "extraction. Database 2016, baw068."
)
_GENIA = "Annotations CC BY 3.0 (GENIA); texts under the terms of PubMed and of each article"
_NACTEM = "Annotations CC BY-SA 3.0 (NaCTeM); abstracts under the terms of PubMed"
_SETS_BY_NAME = {
    "BC5CDR": _About("BioCreative V CDR: chemicals and diseases in PubMed abstracts", _CDR),
    "BC5CDR-chem": _About("BioCreative V CDR: chemicals in PubMed abstracts", _CDR),
    "BC5CDR-disease": _About("BioCreative V CDR: diseases in PubMed abstracts", _CDR),
    "BC2GM": _About(
        "BioCreative II: gene mentions in sentences of PubMed",
        "Larry Smith et al. Overview of BioCreative II gene mention recognition. Genome Biology "
        "9(Suppl 2), 2008, S2.",
    ),
    "AnatEM": _About(
        "AnatEM: anatomical entities in abstracts and extracts of articles",
        "Sampo Pyysalo and Sophia Ananiadou. Anatomical entity mention recognition at literature "
        "scale. Bioinformatics 30(6), 2014, 868-875.",
        "CC BY-SA 3.0 at its publisher; CC BY 4.0, as the README of the repository says",
    ),
    "linnaeus": _About(
        "LINNAEUS: species in full articles",
        "Martin Gerner, Goran Nenadic and Casey M. Bergman. LINNAEUS: a species name "
        "identification system for biomedical literature. BMC Bioinformatics 11, 2010, 85.",
    ),
    "CRAFT": _About(
        "CRAFT: concepts of six ontologies in full articles on the mouse",
        "Michael Bada et al. Concept annotation in the CRAFT corpus. BMC Bioinformatics 13, 2012, "
        "161.",
    ),
    "BioNLP09": _About(
        "BioNLP 2009 shared task: proteins in PubMed abstracts",
        "Jin-Dong Kim et al. Overview of BioNLP'09 shared task on event extraction. Proceedings "
        "of the BioNLP 2009 Workshop, 1-9.",
    ),
    "BioNLP11EPI": _About(
        "BioNLP 2011 shared task, epigenetics: proteins in PubMed abstracts",
        "Tomoko Ohta, Sampo Pyysalo and Jun'ichi Tsujii. Overview of the epigenetics and "
        "post-translational modifications (EPI) task of BioNLP Shared Task 2011, 16-25.",
    ),
    "BioNLP11ID": _About(
        "BioNLP 2011 shared task, infectious diseases: four types in full articles",
        "Sampo Pyysalo et al. Overview of the infectious diseases (ID) task of BioNLP Shared Task "
        "2011, 26-35.",
        _GENIA,
    ),
    "BioNLP13CG": _About(
        "BioNLP 2013 shared task, cancer genetics: sixteen types in PubMed abstracts",
        "Sampo Pyysalo, Tomoko Ohta and Sophia Ananiadou. Overview of the cancer genetics (CG) "
        "task of BioNLP Shared Task 2013, 58-66.",
        _NACTEM,
    ),
    "BioNLP13GE": _About(
        "BioNLP 2013 shared task, GENIA events: proteins in full articles",
        "Jin-Dong Kim, Yue Wang and Yasunori Yamamoto. The Genia event extraction shared task, "
        "2013 edition: overview. Proceedings of the BioNLP Shared Task 2013, 8-15.",
    ),
    "BioNLP13PC": _About(
        "BioNLP 2013 shared task, pathway curation: four types in PubMed abstracts",
        "Tomoko Ohta et al. Overview of the pathway curation (PC) task of BioNLP Shared Task 2013, "
        "67-75.",
        _NACTEM,
    ),
    "Ex-PTM": _About(
        "Exhaustive protein modification events: proteins in PubMed abstracts",
        "Sampo Pyysalo, Tomoko Ohta, Makoto Miwa and Jun'ichi Tsujii. Towards exhaustive protein "
        "modification event extraction. Proceedings of BioNLP 2011 Workshop, 114-123.",
    ),
}
_REPOSITORY_LICENCE = "CC BY 4.0, as the README of the repository says"
_FORM = (
    "In the form of Gamal Crichton, Sampo Pyysalo, Billy Chiu and Anna Korhonen. A neural network "
    "multi-task learning approach to biomedical named entity recognition. BMC Bioinformatics 18, "
    "2017, 368."
)
_SPLITS = {"train": "train", "validation": "devel", "test": "test"}


def _task(block: str) -> Task:
    """Return the task of a set."""
    head, *files = block.split("|")
    folder, *labels = head.replace(":", "").split()
    about, name = _SETS_BY_NAME[folder], folder.lower()
    splits, counts = {}, {}
    for (split, file), cells in zip(_SPLITS.items(), map(str.split, files), strict=True):
        size, sha256, *numbers = cells
        address = f"{ADDRESS}/{folder}-IOB/{file}.tsv"
        splits[split] = DataFile(sha256, int(size), f"{name}-{file}.tsv", address)
        names = ("records", "tokens", *labels)
        counts[split] = dict(zip(names, map(int, numbers), strict=True))
    return Task(
        name=name,
        title=about.title,
        kind="tagging",
        licence=about.licence or _REPOSITORY_LICENCE,
        origin="https://github.com/cambridgeltl/MTL-Bioinformatics-2016",
        version="1",
        splits=splits,
        labels=tuple(labels),
        citation=f"{about.citation} {_FORM}",
        counts=counts,
    )


TASKS = tuple(_task(block) for block in _SETS.split("\n\n"))
"""The tasks, named after their sets in lower case."""
