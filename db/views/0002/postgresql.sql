-- The views for people, as of migration 0002; the PostgreSQL side. Meanings: db/views/meanings.toml.

CREATE VIEW v_posts AS
SELECT
    p.id,
    p.source,
    p.source_id,
    p.kind,
    p.channel,
    p.thread_id,
    coalesce(p.lang, 'und') AS lang,
    p.created_at,
    CAST(timezone('UTC', p.created_at) AS date) AS day,
    CAST(date_trunc('week', timezone('UTC', p.created_at)) AS date) AS week,
    CAST(date_trunc('month', timezone('UTC', p.created_at)) AS date) AS month,
    p.collected_at,
    p.edited_at,
    p.title,
    p.text,
    p.url,
    p.score,
    p.replies,
    p.inclusion_probability,
    1.0 / p.inclusion_probability AS weight,
    r.kind = 'sample' AS sample,
    l.relevant,
    l.p_relevant,
    l.category,
    l.p_excitement,
    l.p_latency,
    l.p_bias,
    l.p_satisfaction,
    l.p_abandonment,
    l.p_other,
    l.polarity,
    l.aspects,
    l.mentions,
    l.model,
    l.labelled_at
FROM posts AS p
JOIN runs AS r ON r.id = p.run_id
LEFT JOIN (
    SELECT labels.*, models.version AS model
    FROM labels
    JOIN models ON models.id = labels.model_id AND models.active
) AS l ON l.post_id = p.id
WHERE p.deleted_at IS NULL;

CREATE VIEW v_daily_shares AS
WITH summed AS (
    SELECT
        CAST(timezone('UTC', hour) AS date) AS period_start,
        source,
        lang,
        sum(n_excitement) AS n_excitement,
        sum(n_latency) AS n_latency,
        sum(n_bias) AS n_bias,
        sum(n_satisfaction) AS n_satisfaction,
        sum(n_abandonment) AS n_abandonment,
        sum(n_other) AS n_other,
        sum(w_excitement) AS w_excitement,
        sum(w_latency) AS w_latency,
        sum(w_bias) AS w_bias,
        sum(w_satisfaction) AS w_satisfaction,
        sum(w_abandonment) AS w_abandonment,
        sum(w_other) AS w_other,
        sum(w2_five) AS w2_five,
        sum(w2_relevant) AS w2_relevant
    FROM rollups_hourly
    JOIN models ON models.id = rollups_hourly.model_id AND models.active
    GROUP BY 1, 2, 3
),
sized AS (
    SELECT
        summed.*,
        n_excitement + n_latency + n_bias + n_satisfaction + n_abandonment AS posts_five,
        n_excitement + n_latency + n_bias + n_satisfaction + n_abandonment + n_other AS posts_relevant,
        w_excitement + w_latency + w_bias + w_satisfaction + w_abandonment AS weighted_five,
        w_excitement + w_latency + w_bias + w_satisfaction + w_abandonment + w_other AS weighted_relevant
    FROM summed
),
effective AS (
    SELECT
        sized.*,
        coalesce(weighted_five * weighted_five / nullif(w2_five, 0), 0.0) AS effective_five,
        coalesce(weighted_relevant * weighted_relevant / nullif(w2_relevant, 0), 0.0) AS effective_relevant
    FROM sized
),
categories AS (
    SELECT 'excitement' AS category
    UNION ALL SELECT 'latency'
    UNION ALL SELECT 'bias'
    UNION ALL SELECT 'satisfaction'
    UNION ALL SELECT 'abandonment'
    UNION ALL SELECT 'other'
),
rated AS (
    SELECT
        e.*,
        c.category,
        CASE c.category
            WHEN 'excitement' THEN n_excitement
            WHEN 'latency' THEN n_latency
            WHEN 'bias' THEN n_bias
            WHEN 'satisfaction' THEN n_satisfaction
            WHEN 'abandonment' THEN n_abandonment
            ELSE n_other
        END AS posts,
        CASE c.category
            WHEN 'excitement' THEN w_excitement
            WHEN 'latency' THEN w_latency
            WHEN 'bias' THEN w_bias
            WHEN 'satisfaction' THEN w_satisfaction
            WHEN 'abandonment' THEN w_abandonment
            ELSE w_other
        END AS weighted
    FROM effective AS e
    CROSS JOIN categories AS c
)
SELECT
    period_start,
    period_start + 1 AS period_end,
    source,
    lang,
    category,
    CAST(posts AS bigint) AS posts,
    CAST(posts_five AS bigint) AS posts_five,
    CAST(posts_relevant AS bigint) AS posts_relevant,
    weighted,
    weighted_five,
    weighted_relevant,
    effective_five,
    effective_relevant,
    -- Below 30 effective posts no percentage is given. The sum of 30 certain ones may come out a hair less.
    CASE WHEN category <> 'other' AND effective_five >= 29.999999 THEN weighted / weighted_five END AS share_five,
    CASE WHEN effective_relevant >= 29.999999 THEN weighted / weighted_relevant END AS share_relevant
FROM rated;

CREATE VIEW v_weekly_shares AS
WITH summed AS (
    SELECT
        CAST(date_trunc('week', timezone('UTC', hour)) AS date) AS period_start,
        source,
        lang,
        sum(n_excitement) AS n_excitement,
        sum(n_latency) AS n_latency,
        sum(n_bias) AS n_bias,
        sum(n_satisfaction) AS n_satisfaction,
        sum(n_abandonment) AS n_abandonment,
        sum(n_other) AS n_other,
        sum(w_excitement) AS w_excitement,
        sum(w_latency) AS w_latency,
        sum(w_bias) AS w_bias,
        sum(w_satisfaction) AS w_satisfaction,
        sum(w_abandonment) AS w_abandonment,
        sum(w_other) AS w_other,
        sum(w2_five) AS w2_five,
        sum(w2_relevant) AS w2_relevant
    FROM rollups_hourly
    JOIN models ON models.id = rollups_hourly.model_id AND models.active
    GROUP BY 1, 2, 3
),
sized AS (
    SELECT
        summed.*,
        n_excitement + n_latency + n_bias + n_satisfaction + n_abandonment AS posts_five,
        n_excitement + n_latency + n_bias + n_satisfaction + n_abandonment + n_other AS posts_relevant,
        w_excitement + w_latency + w_bias + w_satisfaction + w_abandonment AS weighted_five,
        w_excitement + w_latency + w_bias + w_satisfaction + w_abandonment + w_other AS weighted_relevant
    FROM summed
),
effective AS (
    SELECT
        sized.*,
        coalesce(weighted_five * weighted_five / nullif(w2_five, 0), 0.0) AS effective_five,
        coalesce(weighted_relevant * weighted_relevant / nullif(w2_relevant, 0), 0.0) AS effective_relevant
    FROM sized
),
categories AS (
    SELECT 'excitement' AS category
    UNION ALL SELECT 'latency'
    UNION ALL SELECT 'bias'
    UNION ALL SELECT 'satisfaction'
    UNION ALL SELECT 'abandonment'
    UNION ALL SELECT 'other'
),
rated AS (
    SELECT
        e.*,
        c.category,
        CASE c.category
            WHEN 'excitement' THEN n_excitement
            WHEN 'latency' THEN n_latency
            WHEN 'bias' THEN n_bias
            WHEN 'satisfaction' THEN n_satisfaction
            WHEN 'abandonment' THEN n_abandonment
            ELSE n_other
        END AS posts,
        CASE c.category
            WHEN 'excitement' THEN w_excitement
            WHEN 'latency' THEN w_latency
            WHEN 'bias' THEN w_bias
            WHEN 'satisfaction' THEN w_satisfaction
            WHEN 'abandonment' THEN w_abandonment
            ELSE w_other
        END AS weighted
    FROM effective AS e
    CROSS JOIN categories AS c
)
SELECT
    period_start,
    period_start + 7 AS period_end,
    source,
    lang,
    category,
    CAST(posts AS bigint) AS posts,
    CAST(posts_five AS bigint) AS posts_five,
    CAST(posts_relevant AS bigint) AS posts_relevant,
    weighted,
    weighted_five,
    weighted_relevant,
    effective_five,
    effective_relevant,
    -- Below 30 effective posts no percentage is given. The sum of 30 certain ones may come out a hair less.
    CASE WHEN category <> 'other' AND effective_five >= 29.999999 THEN weighted / weighted_five END AS share_five,
    CASE WHEN effective_relevant >= 29.999999 THEN weighted / weighted_relevant END AS share_relevant
FROM rated;

CREATE VIEW v_aspects AS
SELECT
    p.id AS post_id,
    p.source,
    coalesce(p.lang, 'und') AS lang,
    p.created_at,
    CAST(timezone('UTC', p.created_at) AS date) AS day,
    CAST(date_trunc('week', timezone('UTC', p.created_at)) AS date) AS week,
    CAST(date_trunc('month', timezone('UTC', p.created_at)) AS date) AS month,
    item.value AS aspect,
    l.category,
    l.polarity,
    l.p_relevant,
    1.0 / p.inclusion_probability AS weight
FROM posts AS p
JOIN labels AS l ON l.post_id = p.id
JOIN models AS m ON m.id = l.model_id AND m.active
CROSS JOIN LATERAL jsonb_array_elements_text(l.aspects) AS item (value)
WHERE p.deleted_at IS NULL AND l.relevant;

CREATE VIEW v_rivals AS
SELECT
    p.id AS post_id,
    p.source,
    coalesce(p.lang, 'und') AS lang,
    p.created_at,
    CAST(timezone('UTC', p.created_at) AS date) AS day,
    CAST(date_trunc('week', timezone('UTC', p.created_at)) AS date) AS week,
    CAST(date_trunc('month', timezone('UTC', p.created_at)) AS date) AS month,
    item.value AS rival,
    l.category,
    l.polarity,
    l.p_relevant,
    1.0 / p.inclusion_probability AS weight
FROM posts AS p
JOIN labels AS l ON l.post_id = p.id
JOIN models AS m ON m.id = l.model_id AND m.active
CROSS JOIN LATERAL jsonb_array_elements_text(l.mentions) AS item (value)
WHERE p.deleted_at IS NULL AND l.relevant;

CREATE VIEW v_volumes AS
SELECT
    source,
    query,
    hour,
    CAST(timezone('UTC', hour) AS date) AS day,
    CAST(date_trunc('week', timezone('UTC', hour)) AS date) AS week,
    count AS posts,
    collected_at
FROM volumes;

CREATE VIEW v_runs AS
SELECT
    id,
    kind,
    source,
    started_at,
    finished_at,
    CAST(round(extract(epoch FROM finished_at - started_at), 1) AS double precision) AS seconds,
    status,
    read,
    kept,
    new,
    changed,
    broken,
    error
FROM runs;

CREATE VIEW v_baseline AS
SELECT
    category,
    name_ja,
    share,
    reported
FROM baseline;
