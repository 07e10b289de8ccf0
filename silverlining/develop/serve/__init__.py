"""`silver serve`: an application on the laptop, served as a node does, and again when it changes.

The process of the command holds the listening socket and watches the files. The application runs
in a process of its own Python, with what is in the package `inside`; it is ended and started anew
when a file changes. Connections that come in between wait in the socket.
"""
