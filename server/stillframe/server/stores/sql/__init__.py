"""What the stores over SQL have in common: rows, and the steps that read and write them.

The steps know the tables (sqlite/schema, postgres/schema) and no connection: they yield
statements, and get rows back. Each store runs them in its own way.
"""
