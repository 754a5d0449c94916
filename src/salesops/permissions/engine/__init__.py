"""Pure rules of who sees what."""
