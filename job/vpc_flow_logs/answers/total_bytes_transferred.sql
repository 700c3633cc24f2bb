-- title: Top pairs of addresses
-- topic: traffic
-- question: Which 50 pairs of source and destination transferred the most bytes?
-- counts: Bytes by source and destination address.
-- order: most bytes first; at most 50 rows
-- fields: srcaddr, dstaddr, bytes
-- optional: packets, flow-direction
-- chart: sankey srcaddr, dstaddr, bytes
-- parameter: direction
-- column: srcaddr
-- column: dstaddr
-- column: records
-- column: packets
-- column: bytes
SELECT
    srcaddr,
    dstaddr,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND srcaddr IS NOT NULL
    AND dstaddr IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY srcaddr, dstaddr
ORDER BY bytes DESC, srcaddr, dstaddr
LIMIT 50
