-- title: Traffic over time
-- topic: traffic
-- question: When is there how much traffic?
-- counts: Bytes by action, per hour; per day if the time range is longer than seven days.
-- order: by time, then by action
-- fields: bytes
-- optional: action
-- chart: line time, action, bytes
-- column: time TIMESTAMP: Start of the hour or day, in the time zone of the session
-- column: action
-- column: records
-- column: packets
-- column: bytes
SELECT
    CASE
        WHEN unix_seconds(:until) - unix_seconds(:since) <= 604800 THEN date_trunc('HOUR', event_time)
        ELSE date_trunc('DAY', event_time)
    END AS time,
    coalesce(action, 'unknown') AS action,
    sum(records) AS records,
    coalesce(sum(packets), 0) AS packets,
    coalesce(sum(bytes), 0) AS bytes
FROM traffic
GROUP BY 1, 2
ORDER BY 1, 2
