"""The suites by name, each imported when it is run."""

from importlib import import_module

from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult
from fastershift.errors import InputError

__all__ = ["SUITES", "run_suite"]

_HOME = "fastershift.benchmark"

#: Module of each suite, in the order in which all are run.
SUITES = {
    "clustering": f"{_HOME}._clustering",
    "pipeline": f"{_HOME}._pipeline",
    "preview": f"{_HOME}._preview",
    "accuracy": f"{_HOME}._accuracy",
    "corrections": f"{_HOME}._corrections",
    "scaling": f"{_HOME}._scaling",
    "table1": f"{_HOME}._table1",
    "fig1": f"{_HOME}._fig1",
    "fig4": f"{_HOME}._fig4",
    "table2": f"{_HOME}._table2",
    "table3": f"{_HOME}._table3",
    "table4": f"{_HOME}._table4",
    "fig9": f"{_HOME}._fig9",
    "appendix-a": f"{_HOME}._appendix_a",
}


def run_suite(name: str, options: BenchmarkOptions) -> SuiteResult:
    """Run one suite.

    Parameters
    ----------
    name : str
        One of `SUITES`.
    options : BenchmarkOptions
        How to run it.

    Returns
    -------
    SuiteResult

    Raises
    ------
    InputError
        For a name that is not in `SUITES`, or a data folder that does not exist.
    """
    if name not in SUITES:
        raise InputError(
            f"There is no benchmark '{name}'; choose one of {', '.join(SUITES)}, all."
        )
    if options.data is not None and not options.data.is_dir():
        raise InputError(
            f"There is no folder {options.data}; name the folder that holds the movies."
        )
    result: SuiteResult = import_module(SUITES[name]).run(options)
    return result
