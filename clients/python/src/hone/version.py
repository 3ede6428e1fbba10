"""The version of the client, which the package and the User-Agent header carry."""

__version__ = "0.1.0"
