-- title: Traffic to administrative ports
-- topic: traffic
-- question: Which 10 addresses serve the most traffic on administrative ports?
-- counts: Bytes to ports such as 22, 3389 and 3306, by destination address.
-- order: most bytes first; at most 10 rows
-- fields: dstaddr, bytes, dstport
-- optional: packets, flow-direction
-- chart: bar dstaddr, bytes
-- parameter: direction
-- column: dstaddr
-- column: records
-- column: packets
-- column: bytes
SELECT
    dstaddr,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND is_admin_port
    AND dstaddr IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY dstaddr
ORDER BY bytes DESC, dstaddr
LIMIT 10
