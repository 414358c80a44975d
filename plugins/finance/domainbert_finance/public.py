"""Public files that make a corpus, byte for byte: size, SHA-256 and name of each, by address.

HEAD is the default branch of a repository, whatever its name; the hash pins the content.
"""

from __future__ import annotations

from domainbert import DataFile

REPORTS = DataFile.listed(
    "https://raw.githubusercontent.com",
    """
1503780 24a830a0f1256e371d36a1f7f72e5e85a38037d1de2f6f966eb8457db42ff6d6 dgunning/edgartools/HEAD/tests/fixtures/html/aapl/10k/aapl-10-k-2024-11-01.html
1171004 4a2d79751837266a6677324c17bbe593697da1f005c1e0a6f140b88a11929177 dgunning/edgartools/HEAD/tests/fixtures/html/ibm/10k/ibm-10-k-2025-02-25.html
1552078 6d947e3be6d8f9c9aebf7a8c6b9ae4130d6f0ca3d5c9d78995a26cb82cf41ef3 dgunning/edgartools/HEAD/tests/fixtures/html/wfc/10k/wfc-10-k-2025-02-25.html
""",
)

FILINGS = DataFile.listed(
    "https://raw.githubusercontent.com",
    """
39034 8fa6496fae1d34fd5e443795e2aa9a7dc4a137424f6c658e50d98f10f09c10eb dgunning/edgartools/HEAD/data/sgml/0000899681-95-000096.txt
161378 521de6ce26894f75f215215cbea9746932d5093908bfc45688b93e10cf43f394 dgunning/edgartools/HEAD/data/sgml/0000943374-24-000509.txt
10112 2ebb18195e6b3d2c390bb0f0222ad6aaf61a4f72aebb6cdc7e2633f0798ab960 dgunning/edgartools/HEAD/data/sgml/0000950129-95-001652.txt
41981 181b626dfcc0c03071f4b2819f20f9488cedad71d7213267c93708f7b125a6c4 dgunning/edgartools/HEAD/data/sgml/0001011438-98-000429.txt
130411 eed75aa14c6479a81d87aeef583972b2c239385a05bf9bd98c320643faeafdb8 dgunning/edgartools/HEAD/data/sgml/0001104659-25-002604.txt
""",
)

NEWS = DataFile.listed(
    "https://raw.githubusercontent.com",
    """
621648 3f5196d32869723c9042aa5756805b4e90360f1f45ea17f4594fa0e2b3630b18 mihaibogdan10/json-reuters-21578/HEAD/sgm-data/reut2-021.sgm
""",
)
