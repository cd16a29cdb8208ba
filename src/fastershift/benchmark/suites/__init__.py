"""The suites that reproduce the numbers of the documentation, one module each."""
