"""Says hello, and shows where it runs: WebOb, Routes, Tempita, and no framework."""
