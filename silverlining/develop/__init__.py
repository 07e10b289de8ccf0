"""An application on the laptop: made, configured, served, with the services it asks for."""
