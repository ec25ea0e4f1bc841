-- The views that came with migration 0004; the SQLite side. Meanings: db/views/meanings.toml.

CREATE VIEW v_holes AS
SELECT
    id,
    source,
    stream,
    starts_at,
    ends_at,
    round((julianday(ends_at) - julianday(starts_at)) * 24, 1) AS hours,
    reason,
    noted_at
FROM holes;
