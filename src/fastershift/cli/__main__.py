"""``python -m fastershift.cli``, where the command is not on the path."""

from fastershift.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    main()
