"""Nodes: where they come from, the local engine that makes them, how they are known."""
