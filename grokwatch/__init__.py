"""The application: settings, command line, pipeline and schedule."""
