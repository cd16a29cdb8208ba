"""What people see in napari: the dock widgets, readers, writers and sample data.

The docks open without what fills them; see `_opening.py`.
"""
