"""The database: schema, ingest, labels, rollups and the read-only door for people's SQL."""
