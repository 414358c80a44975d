"""Records per second of each reader on raw files, and the share of the files that are read.

    export DOMAINBERT_DATA=/path/to/data
    python benchmarks/readers.py

One JSON line per reader: files, files read, records, megabytes and records per CPU second. A second
kind of line counts the tasks of each domain, and those whose counts are asserted on loading.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from domainbert.errors import DomainBertError
from domainbert.plugin.domain import Domain
from domainbert.plugin.registry import load_plugins

SAMPLES = {
    ("bio", "pubmed"): ("biomed", ["medline_xml/*"]),
    ("bio", "pmc"): ("biomed", ["jats_xml/*", "pmc_nxml/*"]),
    ("bio", "bioc"): ("biomed", ["bioc/*"]),
    ("finance", "edgar-10k"): ("finance", ["edgar_extracted_json/*"]),
    ("finance", "edgar-submission"): (
        "finance",
        ["edgar_submission/*", "edgar_html/*", "edgar_8k/*"],
    ),
    ("finance", "reuters"): ("finance", ["reuters_sgml/*"]),
    ("patent", "patents"): (
        "patents",
        [
            *(f"uspto/{kind}/*" for kind in ("greenbook", "pap", "sgml", "xml2004", "xml2006")),
            "uspto/xml2014/*",
            "uspto/xmlApp2004/*",
            "uspto_weekly/*",
            "marec_xml/*",
        ],
    ),
}


def files_of(folder: str, patterns: list[str]) -> list[Path]:
    """Return the raw files below a folder of `DOMAINBERT_DATA`."""
    for root in filter(None, os.environ.get("DOMAINBERT_DATA", "").split(os.pathsep)):
        raw = Path(root, folder, "raw_samples")
        if raw.is_dir():
            return sorted(path for pattern in patterns for path in raw.glob(pattern))
    sys.exit(f"no {folder}/raw_samples: set DOMAINBERT_DATA")


def measure(read: Any, files: list[Path]) -> dict[str, Any]:
    """Read files, and return counts and speed; a file without a record is not read."""
    records, failed, started = 0, [], time.process_time()
    for path in files:
        try:
            found = sum(1 for _ in read(path))
        except DomainBertError as error:
            print(error, file=sys.stderr)
            found = 0
        records += found
        failed += [] if found else [path.name]
    seconds = time.process_time() - started
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    return {
        "files": len(files), "files_read": len(files) - len(failed), "not_read": failed,
        "records": records, "megabytes_on_disk": round(megabytes, 2),
        "records_per_cpu_second": round(records / seconds, 1),
    }  # fmt: skip


def count_tasks(domain: Domain) -> dict[str, Any]:
    """Return how many tasks a domain declares, and how many have counts that are asserted."""
    tasks = [task for task in domain.tasks if not task.sample]
    asserted = [task.name for task in tasks if task.counts]
    corpora = [corpus.name for corpus in domain.corpora]
    return {"domain": domain.name, "tasks": len(tasks), "counts_asserted": len(asserted),
            "not_asserted": sorted({task.name for task in tasks} - {*asserted}),
            "corpora": len(corpora)}  # fmt: skip


def main() -> None:
    """Print the lines."""
    registry = load_plugins([])
    for (name, corpus), (folder, patterns) in SAMPLES.items():
        (found,) = (one for one in registry.domain(name).corpora if one.name == corpus)
        line = measure(found.read, files_of(folder, patterns))
        print(json.dumps({"domain": name, "reader": corpus, **line}))
    for domain in registry.domains.values():
        print(json.dumps(count_tasks(domain)))


if __name__ == "__main__":
    main()
