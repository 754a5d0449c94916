"""Page shell, components, charts, exports: what every page is drawn with."""
