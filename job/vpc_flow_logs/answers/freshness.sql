-- title: Newest record of each flow log
-- topic: health
-- question: How old is the newest record of each flow log?
-- counts: All records, regardless of the time window, by the ID of the flow log in the name of their file.
-- order: longest lag first
-- fields: none
-- chart: table
-- column: flow_log STRING: ID of the flow log
-- column: newest TIMESTAMP: Time of its newest record
-- column: lag_seconds BIGINT: Seconds since that time
WITH files AS (
    SELECT
        source_file,
        max(event_time) AS newest
    FROM all_fields
    GROUP BY source_file
),

named AS (
    SELECT
        regexp_extract(source_file, '_(fl-[0-9a-f]+)_', 1) AS flow_log,
        newest
    FROM files
),

-- The name is checked in the aggregate, because Spark would check a condition on it for each record, not for each file.
flow_logs AS (
    SELECT
        flow_log,
        max(CASE WHEN flow_log <> '' THEN newest END) AS newest
    FROM named
    GROUP BY flow_log
)

SELECT
    flow_log,
    newest,
    unix_seconds(current_timestamp()) - unix_seconds(newest) AS lag_seconds
FROM flow_logs
WHERE newest IS NOT NULL
ORDER BY newest, flow_log
