"""The recipe: schema, YAML with positions, overrides, library."""
