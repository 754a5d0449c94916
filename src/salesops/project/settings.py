"""Settings, every one from the environment with a safe default. Documented in docs/reference/settings.md."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlparse

from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.core.exceptions import ImproperlyConfigured

HOME = Path(os.environ.get("SALESOPS_HOME") or Path.home() / ".salesops").expanduser().resolve()
DEBUG = os.environ.get("SALESOPS_DEBUG", "") == "1"
FACTS_PATH = Path(os.environ.get("SALESOPS_FACTS") or HOME / "facts")
UPLOADS_PATH = HOME / "uploads"
FILES_PATH = HOME / "files"
BACKUPS_PATH = Path(os.environ.get("SALESOPS_BACKUPS") or HOME / "backups")
BASE_URL = os.environ.get("SALESOPS_URL", "").rstrip("/")
MAX_UPLOAD_BYTES = int(os.environ.get("SALESOPS_MAX_UPLOAD_BYTES", str(4 * 1024**3)))


def _words(text: str) -> list[str]:
    """The words of a setting that lists them, parted by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def _memory(text: str) -> str:
    """An amount of memory as the query engine reads it; what it takes by itself where nothing is said."""
    if text and not re.fullmatch(r"\d+(\.\d+)? ?([KMGT]i?B)", text, re.IGNORECASE):
        raise ImproperlyConfigured(f"SALESOPS_MEMORY_LIMIT is an amount such as 2GB or 1500MB, not {text!r}.")
    return text


MEMORY_LIMIT = _memory(os.environ.get("SALESOPS_MEMORY_LIMIT", "2GB").strip())


def _processes(text: str) -> int:
    """How many processes answer: one where nothing is said."""
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise ImproperlyConfigured(f"SALESOPS_PROCESSES is a number, 1 at least, not {text!r}.")
    return int(text or 1)


PROCESSES = _processes(os.environ.get("SALESOPS_PROCESSES", "").strip())
FACTS_URL = os.environ.get("FACTS_URL", "")


def _secret_key() -> str:
    """The signing key: from the environment, else made once and kept in the home, readable by its owner."""
    if given := os.environ.get("SALESOPS_SECRET_KEY"):
        return given
    path = HOME / "secret-key"
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    HOME.mkdir(parents=True, exist_ok=True)
    key = secrets.token_urlsafe(50)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process made it a moment ago
        return path.read_text(encoding="utf-8").strip()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(key)
    return key


SECRET_KEY = _secret_key()
SECRET_KEY_FALLBACKS = _words(os.environ.get("SALESOPS_OLD_SECRET_KEYS", ""))
ALLOWED_HOSTS = [h for h in os.environ.get("SALESOPS_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if h] + (
    ["testserver"] if os.environ.get("PYTEST_VERSION") else []
)
CSRF_TRUSTED_ORIGINS = [o for o in os.environ.get("SALESOPS_ORIGINS", "").split(",") if o]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "salesops.ui",  # before allauth: its templates override allauth's
    "django_htmx",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
    "salesops.platform",
    "salesops.org",
    "salesops.permissions",
    "salesops.crm",
    "salesops.process",
    "salesops.quality",
    "salesops.analytics",
    "salesops.quotas",
    "salesops.meetings",
    "salesops.performance",
    "salesops.dashboards",
    "salesops.feeds",
    "salesops.ask",
    "salesops.reports",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "salesops.platform.sessions.SessionGuard",
    "salesops.platform.web.RefusalMiddleware",
]
ROOT_URLCONF = "salesops.project.urls"
WSGI_APPLICATION = "salesops.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "salesops.ui.context.shell",
                "salesops.platform.web.ways_to_sign_in",
            ],
            "builtins": ["salesops.ui.templatetags.ui"],
        },
    }
]


def _database(url: str) -> dict[str, object]:
    """Django's database settings from ``DATABASE_URL``; SQLite in the home without one."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": HOME / "salesops.sqlite3",
            "CONN_MAX_AGE": 300,  # opening one, and reading the schema, took a tenth of a page's time
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": (
                    "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
                    "PRAGMA mmap_size=134217728; PRAGMA cache_size=-8000;"
                ),
            },
        }
    parts = urlparse(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        message = f"DATABASE_URL must start with postgresql://, not {parts.scheme}://"
        raise ValueError(message)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        # A thread keeps its connection; one that a restart of the database broke is made anew.
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database(os.environ.get("DATABASE_URL", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "platform.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_ADAPTER = "salesops.platform.signin.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
# Wrong passwords and codes are counted by platform.lockout. allauth's own counts of sign-ins are off: they stand
# under one lock an address, and on a Monday at nine, when a whole office signs in from behind one, who does not get
# the lock within a second is refused though the password is right.
ACCOUNT_RATE_LIMITS = {
    "login": "",
    "login_failed": "",
    "reset_password": "20/h/ip,5/h/key",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("SALESOPS_PROXIES", "0"))
LOCK_AFTER = int(os.environ.get("SALESOPS_LOCK_AFTER", "10"))
LOCK_ADDRESS_AFTER = int(os.environ.get("SALESOPS_LOCK_ADDRESS_AFTER", "50"))
LOCK_MINUTES = int(os.environ.get("SALESOPS_LOCK_MINUTES", "15"))
SESSION_HOURS = int(os.environ.get("SALESOPS_SESSION_HOURS", "168"))
SESSION_IDLE_MINUTES = int(os.environ.get("SALESOPS_SESSION_IDLE_MINUTES", "720"))
SESSION_COOKIE_AGE = SESSION_HOURS * 3600

MFA_ADAPTER = "salesops.platform.factors.MFAAdapter"
MFA_FORMS = {
    "authenticate": "salesops.platform.factors.CodeForm",
    "reauthenticate": "salesops.platform.factors.CodeAgainForm",
}
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not BASE_URL.startswith(
    "https://"
)  # a browser allows it on localhost alone
MFA_WEBAUTHN_USER_VERIFICATION = "required"
MFA_TOTP_TOLERANCE = 1
MFA_ALLOW_UNVERIFIED_EMAIL = True  # nobody signs up: an administrator made the account and its address
# Roles that must have a second factor, or "all".
REQUIRE_MFA = ["all" if word == "1" else word for word in _words(os.environ.get("SALESOPS_REQUIRE_MFA", ""))]

# Sign-in at an identity provider by OpenID Connect.
OIDC_ISSUER = os.environ.get("SALESOPS_OIDC_ISSUER", "").rstrip("/")
OIDC_CLIENT_ID = os.environ.get("SALESOPS_OIDC_CLIENT_ID", "")
OIDC_CLIENT_SECRET = os.environ.get("SALESOPS_OIDC_CLIENT_SECRET", "")
OIDC_NAME = os.environ.get("SALESOPS_OIDC_NAME", "single sign-on")
OIDC_DOMAINS = [word.lower() for word in _words(os.environ.get("SALESOPS_OIDC_DOMAINS", ""))]
OIDC_ROLE_CLAIM = os.environ.get("SALESOPS_OIDC_ROLE_CLAIM", "")
OIDC_ROLES = dict(pair.split("=", 1) for pair in _words(os.environ.get("SALESOPS_OIDC_ROLES", "")))
OIDC_SECOND_FACTOR = os.environ.get("SALESOPS_OIDC_SECOND_FACTOR", "") == "1"
SSO_ONLY = os.environ.get("SALESOPS_SSO_ONLY", "") == "1"

API_REQUESTS_PER_MINUTE = int(os.environ.get("SALESOPS_API_REQUESTS_PER_MINUTE", "600"))
API_MAX_BODY_BYTES = int(os.environ.get("SALESOPS_API_MAX_BODY_BYTES", str(5 * 1024**2)))

# Shared by all processes: it holds the limits above and which codes have been used.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "platform_cache"}}
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        # Inline style attributes carry the widths of bars; style elements stay forbidden.
        "style-src-attr": [UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
_HTTPS = BASE_URL.startswith("https://")
# Origins that may show the panel in a frame. A browser sends the session there only where the cookie may
# go to other sites' frames; forms stay guarded by the CSRF cookie, which goes to none.
PANEL_ORIGINS = _words(os.environ.get("SALESOPS_PANEL_ORIGINS", ""))
PANEL_COOKIE = os.environ.get("SALESOPS_PANEL_COOKIE", "") == "1"
SESSION_COOKIE_SAMESITE = "None" if PANEL_COOKIE and PANEL_ORIGINS and _HTTPS else "Lax"
SESSION_COOKIE_SECURE = _HTTPS
CSRF_COOKIE_SECURE = _HTTPS
if _HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024**2
# The page that confirms an import sends two fields for each column of each file.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000
FILE_UPLOAD_TEMP_DIR = os.environ.get("SALESOPS_TMP") or None


def _smtp(url: str) -> dict[str, Any]:
    """Django's mail settings from ``SALESOPS_SMTP``; nothing where it is not set."""
    if not url:
        return {}
    parts = urlparse(url)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise ValueError("SALESOPS_SMTP must be smtp://user:password@host:port or smtps://...")
    secure = parts.scheme == "smtps"
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    starttls = dict(parse_qsl(parts.query)).get("starttls", "0" if here else "1") == "1"
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if secure else 587 if starttls else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": secure,
        "EMAIL_USE_TLS": starttls and not secure,
    }


SMTP_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
SMTP_SET = bool(os.environ.get("SALESOPS_SMTP"))
EMAIL_BACKEND = SMTP_BACKEND if SMTP_SET else "django.core.mail.backends.dummy.EmailBackend"
EMAIL_TIMEOUT = 30
DEFAULT_FROM_EMAIL = os.environ.get("SALESOPS_MAIL_FROM") or "salesops@localhost"
globals().update(_smtp(os.environ.get("SALESOPS_SMTP", "")))

SECOND_PERSON = frozenset(
    k.strip() for k in os.environ.get("SALESOPS_SECOND_PERSON", "").split(",") if k.strip()
)
SLACK_WEBHOOK = os.environ.get("SALESOPS_SLACK_WEBHOOK", "")
TEAMS_WEBHOOK = os.environ.get("SALESOPS_TEAMS_WEBHOOK", "")

EXPORT_ROWS = int(os.environ.get("SALESOPS_EXPORT_ROWS", "50000"))
INSPECT_BYTES = int(os.environ.get("SALESOPS_INSPECT_BYTES", str(50 * 1024**2)))
EXPORTS_PATH = Path(os.environ.get("SALESOPS_EXPORTS") or HOME / "exports")
MAIL_BYTES = int(os.environ.get("SALESOPS_MAIL_BYTES", str(10 * 1024**2)))
RESULT_DAYS = int(os.environ.get("SALESOPS_RESULT_DAYS", "14"))
FEED_ROWS = int(os.environ.get("SALESOPS_FEED_ROWS", "50000"))
FEED_DAYS = int(os.environ.get("SALESOPS_FEED_DAYS", "365"))
FEED_REQUESTS_PER_MINUTE = int(os.environ.get("SALESOPS_FEED_REQUESTS_PER_MINUTE", "30"))
WEBHOOK_NETWORKS = _words(os.environ.get("SALESOPS_WEBHOOK_NETWORKS", ""))
WEBHOOK_SECONDS = float(os.environ.get("SALESOPS_WEBHOOK_SECONDS", "10"))
WEBHOOK_PAUSE_DAYS = int(os.environ.get("SALESOPS_WEBHOOK_PAUSE_DAYS", "3"))
WEBHOOK_KEPT_DAYS = int(os.environ.get("SALESOPS_WEBHOOK_KEPT_DAYS", "30"))
WATCH_ROOT = os.environ.get("SALESOPS_WATCH_ROOT", "")
WATCH_HOSTS = [h.strip().lower() for h in os.environ.get("SALESOPS_WATCH_HOSTS", "").split(",") if h.strip()]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("SALESOPS_LOG", "WARNING")},
}
