"""Training of the face reader: pictures and labels on the device, fresh variations every step."""
