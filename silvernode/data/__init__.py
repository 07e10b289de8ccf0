"""What an app's services keep for it: backup, restore and clear.

The services themselves come with their roles, see `silvernode.data.service`.
"""
