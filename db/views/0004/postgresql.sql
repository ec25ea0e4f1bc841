-- The views that came with migration 0004; the PostgreSQL side. Meanings: db/views/meanings.toml.

CREATE VIEW v_holes AS
SELECT
    id,
    source,
    stream,
    starts_at,
    ends_at,
    CAST(round(CAST(extract(EPOCH FROM ends_at - starts_at) AS numeric) / 3600, 1) AS double precision) AS hours,
    reason,
    noted_at
FROM holes;
