"""What backends share: kernel functions under construction, and the module around them."""
