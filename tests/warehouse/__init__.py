"""Tests of the warehouse, file by file."""
