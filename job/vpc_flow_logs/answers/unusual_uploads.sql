-- title: Unusual uploads
-- topic: security
-- question: Which sources suddenly send far more than usual to one destination on the internet?
-- counts: Records to public addresses, except ingress and rejected ones, in days that begin at since. A source and a
--   destination are shown if their busiest day in the window exceeds factor times the median of the seven days before
--   since, where a day without traffic counts as 0, and has at least min_bytes. Where flow-direction is missing, only
--   sources with private addresses count.
-- order: most bytes first
-- fields: srcaddr, dstaddr, bytes
-- optional: flow-direction, action, packets
-- chart: table
-- parameter: factor DOUBLE = 10: Factor by which a day must exceed the median of the days before
-- parameter: min_bytes BIGINT = 1000000000: Minimum number of bytes on the busiest day
-- column: srcaddr
-- column: dstaddr
-- column: day TIMESTAMP: Start of the busiest day
-- column: usual_bytes BIGINT: Median of the bytes on each of the seven days before since
-- column: records
-- column: packets
-- column: bytes
WITH days AS (
    SELECT
        srcaddr,
        dstaddr,
        cast(floor((unix_micros(event_time) - unix_micros(:since)) / 86400000000) AS INT) AS day,
        count(*) AS records,
        coalesce(sum(packets), 0) AS packets,
        sum(bytes) AS bytes
    FROM all_fields
    WHERE
        event_time >= :since - INTERVAL 7 DAYS
        AND event_time < :until
        AND dstaddr_class = 'public'
        AND (flow_direction = 'egress' OR (flow_direction IS NULL AND srcaddr_class = 'private'))
        AND coalesce(action, 'ACCEPT') <> 'REJECT'
        AND srcaddr IS NOT NULL
        AND bytes IS NOT NULL
    GROUP BY srcaddr, dstaddr, cast(floor((unix_micros(event_time) - unix_micros(:since)) / 86400000000) AS INT)
),

uploads AS (
    SELECT
        srcaddr,
        dstaddr,
        collect_list(CASE WHEN day < 0 THEN bytes END) AS before,
        max(CASE WHEN day >= 0 THEN named_struct(
            'bytes', bytes, 'days_before', -day, 'records', records, 'packets', packets
        ) END) AS busiest
    FROM days
    GROUP BY srcaddr, dstaddr
),

compared AS (
    SELECT
        srcaddr,
        dstaddr,
        busiest,
        element_at(sort_array(concat(before, array_repeat(cast(0 AS BIGINT), 7 - size(before)))), 4) AS usual_bytes
    FROM uploads
    WHERE busiest IS NOT NULL
)

SELECT
    srcaddr,
    dstaddr,
    timestamp_micros(unix_micros(:since) - busiest.days_before * 86400000000) AS day,
    usual_bytes,
    busiest.records,
    busiest.packets,
    busiest.bytes
FROM compared
WHERE busiest.bytes > :factor * usual_bytes AND busiest.bytes >= :min_bytes
ORDER BY bytes DESC, srcaddr, dstaddr
