"""The stages of an adaptation, a module each, and the table of what each depends on."""
