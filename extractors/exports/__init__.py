"""Asynchronous exports: a job with its journal, and the download of its file."""
