"""Backups, from the laptop: `silver backup`, `restore`, `list-backups` and `clear`."""
