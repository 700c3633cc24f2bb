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
WITH sent AS (
    SELECT
        srcaddr,
        dstaddr,
        cast(floor((unix_micros(event_time) - unix_micros(:since)) / 86400000000) AS INT) AS day,
        count(*) AS records,
        coalesce(sum(packets), 0) AS packets,
        sum(bytes) AS bytes,
        count(flow_direction) AS egress_records,
        coalesce(sum(CASE WHEN flow_direction IS NOT NULL THEN packets END), 0) AS egress_packets,
        sum(CASE WHEN flow_direction IS NOT NULL THEN bytes END) AS egress_bytes
    FROM all_fields
    WHERE
        event_time >= :since - INTERVAL 7 DAYS
        AND event_time < :until
        AND coalesce(flow_direction, 'egress') = 'egress'
        AND coalesce(action, 'ACCEPT') <> 'REJECT'
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND bytes IS NOT NULL
    GROUP BY srcaddr, dstaddr, cast(floor((unix_micros(event_time) - unix_micros(:since)) / 86400000000) AS INT)
),

-- Is the source private? NULL if the destination is not public.
classified AS (
    SELECT
        *,
        CASE WHEN address_class(dstaddr) = 'public' THEN address_class(srcaddr) = 'private' END AS is_private
    FROM sent
),

-- Records without flow-direction count only if the source is private.
days AS (
    SELECT
        srcaddr,
        dstaddr,
        day,
        CASE WHEN is_private THEN records WHEN NOT is_private THEN egress_records END AS records,
        CASE WHEN is_private THEN packets WHEN NOT is_private THEN egress_packets END AS packets,
        CASE WHEN is_private THEN bytes WHEN NOT is_private THEN egress_bytes END AS bytes
    FROM classified
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
