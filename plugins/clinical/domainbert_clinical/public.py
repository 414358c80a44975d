"""Addresses, sizes and hashes of the public files."""

from __future__ import annotations

from domainbert import DataFile

_MTS = "https://raw.githubusercontent.com/abachaa/MTS-Dialog"

MTS_TRAIN, MTS_VALIDATION, MTS_TEST, MTS_TEST_2 = DataFile.listed(
    _MTS,
    """
1041071 65a28681dd59fc159681ea026e44610f2af7bc64a0e7f892d763eb03d9f503dc 3d2beb01913d076cc51a57ff3a0c35894b2248ad/Main-Dataset/MTS-Dialog-TrainingSet.csv
74054 227206520c4534381c0d7fba6d3f09319a9af5a6d9603a93c0341af1198e3958 db552cde9da99ff6e24cc6b1b5de5415d83f1850/Main-Dataset/MTS-Dialog-ValidationSet.csv
162806 b4d38dd2c99b2e9860099abcf653f1e0f3e9b69f9fcc45be2a2699b37a4d2f37 10eadbd1a95911b6d6806a397a5d6414cb278c24/Main-Dataset/MTS-Dialog-TestSet-1-MEDIQA-Chat-2023.csv
171558 226644466ed3af82382b327a3e684aab70aa605b96cfd93b04f584f1826ab1a6 183384b4725e590900eb34982b584040ccd40592/Main-Dataset/MTS-Dialog-TestSet-2-MEDIQA-Sum-2023.csv
""",
)

_ACI = "https://raw.githubusercontent.com/wyim/aci-bench/HEAD/data/challenge_data"


def _aci(name: str, size: int, sha256: str) -> DataFile:
    return DataFile(sha256, size, f"aci-bench-{name}", f"{_ACI}/{name}")


ACI_BENCH = (
    _aci("train.csv", 611240, "6c778d4ac5e6cc6f1964786f9286e8d765c210f22ed6b57f83aff8497409cea4"),
    _aci("valid.csv", 177400, "6629e89e3fb409d2b3eceab60dc7b32fe1d3fb8d4e07795039284965522aa4d0"),
    _aci(
        "clinicalnlp_taskB_test1.csv",
        349998,
        "5cc4008e68545f84913744a8e493a58bdf17ba7e1b7a0be46d6943d6bfca9471",
    ),
    _aci(
        "clinicalnlp_taskC_test2.csv",
        385979,
        "599e3330a14e25a0e056aee1365ffac7ebe50058f15821eae42a5513c2bb5a4f",
    ),
    _aci(
        "clef_taskC_test3.csv",
        381908,
        "d3c18362a42124ea2bd1b2b4b66ba76a11bb123dfdb416471ae3b5924d1428ec",
    ),
)
