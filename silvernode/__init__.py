"""What root runs on a node: routes, instances, and the switch from one instance to the next.

Standard library only. The one entry point is the command `silver-node`, which takes a JSON object
on standard input and answers with one on standard output (see `silvernode.cli`).
"""
