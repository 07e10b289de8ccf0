"""`silver-node doctor`: everything about a node that a visitor or an operator would care about."""
