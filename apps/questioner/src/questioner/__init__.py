"""A registration form whose questions come from a file: WebOb, Tempita, FormEncode's htmlfill."""
