"""The loops of the samplers in machine code; imported when a chain first moves."""
