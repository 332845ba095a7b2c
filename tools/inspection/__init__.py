"""What a model or an artifact holds, as text, JSON and HTML."""
