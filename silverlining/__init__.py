"""Silver Lining on the laptop: the command line, the checks of an application, local nodes."""
