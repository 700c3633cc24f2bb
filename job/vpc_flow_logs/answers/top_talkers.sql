-- title: Top talkers
-- topic: traffic
-- question: Which 50 addresses sent the most bytes?
-- counts: Bytes by source address.
-- order: most bytes first; at most 50 rows
-- fields: srcaddr, bytes
-- optional: packets, flow-direction
-- chart: bar srcaddr, bytes
-- parameter: direction
-- column: srcaddr
-- column: records
-- column: packets
-- column: bytes
SELECT
    srcaddr,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND srcaddr IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY srcaddr
ORDER BY bytes DESC, srcaddr
LIMIT 50
