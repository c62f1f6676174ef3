"""One module per command. What commands share is in the packages beside this one."""
