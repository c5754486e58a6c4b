"""What the face looks like region by region, and how that fills holes (eq. 5-12)."""
