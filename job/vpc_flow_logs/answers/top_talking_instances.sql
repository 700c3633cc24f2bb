-- title: Top talking instances
-- topic: traffic
-- question: Which 50 instances have the most traffic?
-- counts: Bytes that the interfaces of an instance sent and received.
-- order: most bytes first; at most 50 rows
-- fields: instance-id, bytes
-- optional: packets, flow-direction
-- chart: bar instance_id, bytes
-- parameter: direction
-- column: instance_id
-- column: records
-- column: packets
-- column: bytes
SELECT
    instance_id,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND instance_id IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY instance_id
ORDER BY bytes DESC, instance_id
LIMIT 50
