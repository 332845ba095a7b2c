"""What is known of an imported graph: bounds of its values, and the step functions in it."""
