"""The script that mod_wsgi loads in every process of an instance (WSGIScriptAlias)."""

from silversupport.startup import start

application = start()
