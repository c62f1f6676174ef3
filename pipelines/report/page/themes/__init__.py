"""The built-in colours of the page, in the same form as a file of the option ``--theme``."""
