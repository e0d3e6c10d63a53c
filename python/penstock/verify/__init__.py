"""Checks of finished tables, from their files alone."""
