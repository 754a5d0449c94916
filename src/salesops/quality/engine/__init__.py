"""Pure rules on data quality."""
