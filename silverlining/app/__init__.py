"""An application's directory: what it says, what is in it, what of it is uploaded."""
