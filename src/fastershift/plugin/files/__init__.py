"""Readers, writers and samples of the manifest, and results brought back as layers.

Its modules are imported one by one: napari reads a file without waiting for a window of
this plugin.
"""
