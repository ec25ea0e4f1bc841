"""Where posts come from: platforms, archives and the sample. Knows nothing of the database."""
