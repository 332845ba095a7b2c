"""What `binary_lookup` is made of: its tables, and thresholds on its sums."""
