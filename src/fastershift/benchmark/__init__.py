"""The suites that reproduce the numbers of the documentation."""

from fastershift.benchmark._chart import can_draw
from fastershift.benchmark._machine import describe_machine
from fastershift.benchmark._registry import SUITES, run_suite
from fastershift.benchmark._report import read_record, table_text, write_record
from fastershift.benchmark._suite import (
    BenchmarkOptions,
    Plot,
    Series,
    SuiteResult,
    Table,
)

__all__ = [
    "SUITES",
    "BenchmarkOptions",
    "Plot",
    "Series",
    "SuiteResult",
    "Table",
    "can_draw",
    "describe_machine",
    "read_record",
    "run_suite",
    "table_text",
    "write_record",
]
