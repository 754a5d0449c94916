"""Pure calculations of the sales process."""
