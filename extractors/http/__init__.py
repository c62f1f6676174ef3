"""The HTTP client of all providers: one session per account, with its retries and limits. No provider is known here."""
