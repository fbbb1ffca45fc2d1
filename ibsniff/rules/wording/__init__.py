"""Text that several rules share: causes, remedies, commands, menu paths, and statements that differ in a few words."""
