"""One file a family of networks; ``zoo.registry`` finds them by listing this folder."""
