-- title: Top talking subnets
-- topic: traffic
-- question: Which 50 subnets have the most traffic?
-- counts: Bytes that the interfaces of a subnet sent and received.
-- order: most bytes first; at most 50 rows
-- fields: subnet-id, bytes
-- optional: packets, flow-direction
-- chart: bar subnet_id, bytes
-- parameter: direction
-- column: subnet_id
-- column: records
-- column: packets
-- column: bytes
SELECT
    subnet_id,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND subnet_id IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY subnet_id
ORDER BY bytes DESC, subnet_id
LIMIT 50
