"""Layers of napari: which there are, where they lie, and what is stored with them.

Its modules are imported one by one: readers need the colours, and must wait neither for
Qt nor for torch.
"""
