"""What a backup is, for the laptop and for a node: manifest, archive, encryption, destinations.

Standard library only, but for `silverbackup.destinations`, which needs Libcloud for what is not a
local path. It imports nothing of the other packages than `silversupport`.
"""
