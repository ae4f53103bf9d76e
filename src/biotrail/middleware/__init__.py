"""Login handlers of web frameworks, every attempt recorded before its answer leaves.

`LoginMiddleware` is for ASGI (Starlette, FastAPI), `FlaskLogins` for Flask,
`biotrail.middleware.django.LoginMiddleware` for Django, `WSGILogins` for whatever else speaks WSGI,
`recorded_attempt` for plain functions. The context is captured once, by a `ContextCapture`; views
are marked by `login`, or described by `Login` with a path.
"""

from typing import TYPE_CHECKING

from biotrail._lazy import load_when_used

if TYPE_CHECKING:
    from biotrail.middleware.asgi import LoginMiddleware
    from biotrail.middleware.capture import Captured, ContextCapture
    from biotrail.middleware.decorator import recorded_attempt
    from biotrail.middleware.flask import FlaskLogins
    from biotrail.middleware.geolocation import Geolocation
    from biotrail.middleware.guard import Limits
    from biotrail.middleware.logins import Login, login, login_of
    from biotrail.middleware.proxies import ForwardingHeader, HeaderRefusal, TrustedProxies
    from biotrail.middleware.wsgi import WSGILogins

__all__ = [
    "Captured",
    "ContextCapture",
    "FlaskLogins",
    "ForwardingHeader",
    "Geolocation",
    "HeaderRefusal",
    "Limits",
    "Login",
    "LoginMiddleware",
    "TrustedProxies",
    "WSGILogins",
    "login",
    "login_of",
    "recorded_attempt",
]

__getattr__ = load_when_used(
    __name__,
    {
        "Captured": "biotrail.middleware.capture",
        "ContextCapture": "biotrail.middleware.capture",
        "FlaskLogins": "biotrail.middleware.flask",
        "ForwardingHeader": "biotrail.middleware.proxies",
        "Geolocation": "biotrail.middleware.geolocation",
        "HeaderRefusal": "biotrail.middleware.proxies",
        "Limits": "biotrail.middleware.guard",
        "Login": "biotrail.middleware.logins",
        "LoginMiddleware": "biotrail.middleware.asgi",
        "TrustedProxies": "biotrail.middleware.proxies",
        "WSGILogins": "biotrail.middleware.wsgi",
        "login": "biotrail.middleware.logins",
        "login_of": "biotrail.middleware.logins",
        "recorded_attempt": "biotrail.middleware.decorator",
    },
)
