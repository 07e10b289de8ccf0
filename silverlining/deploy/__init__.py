"""An update of an application on its node."""
