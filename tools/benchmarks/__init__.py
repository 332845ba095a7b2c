"""What `bnnc.tools.bench` is made of: networks, peers, measuring, tables and plots."""
