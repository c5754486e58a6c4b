"""How good a model is: protocols, metrics, and the tables they end in."""
