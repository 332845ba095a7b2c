"""The contents of a model or an artifact, as text, JSON and HTML."""
