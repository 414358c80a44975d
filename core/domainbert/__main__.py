"""`python -m domainbert` and `torchrun … -m domainbert`."""

from domainbert.cli.app import main

main()
