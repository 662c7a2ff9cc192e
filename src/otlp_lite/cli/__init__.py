"""The commands of `python -m otlp_lite`; nothing else imports this package."""
