-- title: Rejected traffic over time
-- topic: security
-- question: When is traffic rejected?
-- counts: Rejected records by VPC, per hour; per day if the time range is longer than seven days.
-- order: by time, then by VPC
-- fields: action
-- optional: vpc-id
-- chart: line time, vpc_id, records
-- column: time TIMESTAMP: Start of the hour or day, in the time zone of the session
-- column: vpc_id
-- column: records
SELECT
    CASE
        WHEN unix_seconds(:until) - unix_seconds(:since) <= 604800 THEN date_trunc('HOUR', event_time)
        ELSE date_trunc('DAY', event_time)
    END AS time,
    coalesce(vpc_id, 'unknown') AS vpc_id,
    sum(records) AS records
FROM traffic
WHERE action = 'REJECT'
GROUP BY 1, 2
ORDER BY 1, 2
