"""The work of the commands, a module each, with what it imports. Options and help texts are in ``commands``.

A command's module imports its action when the command runs, so that its help imports nothing of the pipeline.
"""
