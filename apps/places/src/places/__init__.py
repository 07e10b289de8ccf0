"""Keeps places and finds the nearest ones: WebOb, Tempita and PostGIS, and no framework."""
