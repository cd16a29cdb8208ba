"""Work that is done step by step, done to its end."""


def returned(steps):
    """Take all steps of a generator; return what it returns."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value
