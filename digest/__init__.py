"""The weekly e-mail: composed from insights, delivered over SMTP."""
