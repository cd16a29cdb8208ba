"""The suites by name, each imported when it is run."""

from importlib import import_module

from fastershift.benchmark._suite import BenchmarkOptions, SuiteResult
from fastershift.errors import InputError

__all__ = ["SUITES", "run_suite"]

_HOME = "fastershift.benchmark.suites"

#: Function of each suite, in the order in which all are run.
SUITES = {
    "clustering": f"{_HOME}._clustering.run",
    "pipeline": f"{_HOME}._pipeline.run",
    "preview": f"{_HOME}._preview.run",
    "start": f"{_HOME}._start.run",
    "busy": f"{_HOME}._busy.run",
    "rivals": f"{_HOME}._rivals.run",
    "accuracy": f"{_HOME}._accuracy.run",
    "kinds": f"{_HOME}._kinds.run",
    "robustness": f"{_HOME}._robustness.run",
    "linking": f"{_HOME}._linking.run",
    "learning": f"{_HOME}._learning.run",
    "corrections": f"{_HOME}._corrections.run",
    "scaling": f"{_HOME}._scaling.run",
    "table1": f"{_HOME}._table1_fig1.run_table1",
    "fig1": f"{_HOME}._table1_fig1.run_fig1",
    "fig4": f"{_HOME}._fig4.run",
    "table2": f"{_HOME}._table2.run",
    "table3": f"{_HOME}._table3_table4.run_table3",
    "table4": f"{_HOME}._table3_table4.run_table4",
    "fig9": f"{_HOME}._fig9.run",
    "appendix-a": f"{_HOME}._appendix_a.run",
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
    module, _, function = SUITES[name].rpartition(".")
    result: SuiteResult = getattr(import_module(module), function)(options)
    return result
