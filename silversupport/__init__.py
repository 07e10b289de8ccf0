"""What an application may import, on the laptop and on nodes."""

VERSION = "0.4.0"
