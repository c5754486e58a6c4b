"""Frozen networks that read pictures: the face reader of the package and the readers of others."""
