"""A question that is asked before anything of the user's is replaced."""

from qtpy.QtWidgets import QMessageBox, QWidget

__all__ = ["may_replace"]


def may_replace(parent: QWidget, question: str) -> bool:
    """Ask whether something may be replaced.

    Parameters
    ----------
    parent : QWidget
        Whose window waits for the answer.
    question : str
        What lies there, and what would replace it.

    Returns
    -------
    bool
    """
    answer = QMessageBox.question(parent, "Replace?", question)
    return bool(answer == QMessageBox.StandardButton.Yes)
