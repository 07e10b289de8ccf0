"""The settings: what differs between a laptop and a server comes from the environment."""

import os

from silversupport.environment import is_production
from silversupport.secret import get_secret

SECRET_KEY = get_secret()
DEBUG = not is_production()
# A server passes on nothing but requests for this site's own names. Elsewhere: localhost.
ALLOWED_HOSTS = ["*"] if is_production() else []

# Without these variables Django can still be started: `makemigrations` needs no database.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        **{
            key: os.environ.get(f"CONFIG_PG_{variable}", "")
            for key, variable in {
                "NAME": "DBNAME",
                "USER": "USER",
                "PASSWORD": "PASSWORD",
                "HOST": "HOST",
                "PORT": "PORT",
            }.items()
        },
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "notes",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

ROOT_URLCONF = "project.urls"
# Files in static/ are served at the site's root; static/admin is a link into Django.
STATIC_URL = os.environ.get("STATIC_URL", "/")
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# Without this, Django tells nobody about an error when DEBUG is off.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "INFO"},
}
