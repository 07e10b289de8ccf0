"""Live connections to a node: scripts, prompts, logs; and what nodes say is deployed."""
