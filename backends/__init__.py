"""Backends that ship with tnlearn, found through entry points as anyone else's would be."""
