"""Which location is served by which instance: the registry, and what Varnish makes of it."""
