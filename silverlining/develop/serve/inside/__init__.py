"""What runs in the application's own Python.

All of it is imported before the application and then hidden (see `start`), so it may import nothing
later, and nothing but the standard library, `silversupport` and what `start` finds for it.
"""
