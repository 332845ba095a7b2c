"""What `binary_sliced` is made of: ways to add planes, and epilogues on them."""
