"""What several passes consult; no pass among it."""
