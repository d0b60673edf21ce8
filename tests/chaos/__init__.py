"""Servers are killed and the database is restarted, while engines write and watch."""
