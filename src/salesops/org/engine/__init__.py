"""Pure calculations on the hierarchy."""
