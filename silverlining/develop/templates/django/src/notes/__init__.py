"""Notes: written by anybody, tidied up in the admin."""
