"""What is served: `runner` in app.ini names this file."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
