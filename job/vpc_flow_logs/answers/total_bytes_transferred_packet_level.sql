-- title: Top pairs of original addresses
-- topic: traffic
-- question: Which 50 pairs of original source and destination transferred the most bytes?
-- counts: Bytes by packet-level source and destination address.
-- order: most bytes first; at most 50 rows
-- fields: pkt-srcaddr, pkt-dstaddr, bytes
-- optional: packets, flow-direction
-- chart: sankey pkt_srcaddr, pkt_dstaddr, bytes
-- parameter: direction
-- column: pkt_srcaddr
-- column: pkt_dstaddr
-- column: records
-- column: packets
-- column: bytes
SELECT
    pkt_srcaddr,
    pkt_dstaddr,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    sum(bytes) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND pkt_srcaddr IS NOT NULL
    AND pkt_dstaddr IS NOT NULL
    AND bytes IS NOT NULL
    AND (:direction IS NULL OR flow_direction = :direction)
GROUP BY pkt_srcaddr, pkt_dstaddr
ORDER BY bytes DESC, pkt_srcaddr, pkt_dstaddr
LIMIT 50
