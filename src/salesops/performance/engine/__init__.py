"""Engines of performance: pure arithmetic over what people sold."""
