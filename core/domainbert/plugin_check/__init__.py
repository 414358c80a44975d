"""The checks behind `domainbert plugins check` and `domainbert.testing.check_domain`."""
