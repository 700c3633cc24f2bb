"""The answers of the catalog on a laptop: ``python -m local.answers``.

`arguments` reads the command line, `tables` finds the table and creates the views, and `query` asks it. Each
format has a module.
"""
