"""One module per command. Code that several commands share is in the packages beside this one."""
