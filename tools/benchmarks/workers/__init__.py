"""Programs that serve a peer in a process of its own; none of them imports bnnc."""
