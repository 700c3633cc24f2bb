-- title: Rejected sources
-- topic: security
-- question: Whose traffic is rejected most often?
-- counts: Rejected records by source address.
-- order: most records first
-- fields: srcaddr, action
-- optional: dstaddr, dstport, packets, bytes
-- chart: bar srcaddr, records
-- column: srcaddr
-- column: ports BIGINT: Number of different destination ports
-- column: addresses BIGINT: Number of different destination addresses
-- column: records
-- column: packets
-- column: bytes
SELECT
    srcaddr,
    count(DISTINCT dstport) AS ports,
    count(DISTINCT dstaddr) AS addresses,
    count(*) AS records,
    coalesce(sum(packets), 0) AS packets,
    coalesce(sum(bytes), 0) AS bytes
FROM all_fields
WHERE
    event_time >= :since
    AND event_time < :until
    AND action = 'REJECT'
    AND srcaddr IS NOT NULL
GROUP BY srcaddr
ORDER BY records DESC, srcaddr
