"""What several rules say alike: causes, remedies, commands, menu paths, and statements that differ in a few words."""
