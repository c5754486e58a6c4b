"""Where training pairs come from: clips, stills, side-cars."""
