-- title: Top talkers, original addresses
-- topic: traffic
-- question: Which 50 original source addresses sent the most bytes?
-- counts: Bytes by packet-level source address: behind a NAT or transit gateway, the original sender.
-- order: most bytes first; at most 50 rows
-- fields: pkt-srcaddr, bytes
-- optional: packets, flow-direction
-- chart: bar pkt_srcaddr, bytes
-- parameter: direction
-- column: pkt_srcaddr
-- column: records
-- column: packets
-- column: bytes
SELECT
    pkt_srcaddr,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND pkt_srcaddr IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY pkt_srcaddr
ORDER BY bytes DESC, pkt_srcaddr
LIMIT 50
