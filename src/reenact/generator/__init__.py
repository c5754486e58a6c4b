"""The networks that take a picture apart and draw the new one."""
