-- title: SSH and RDP traffic
-- topic: traffic
-- question: Who uses SSH and RDP?
-- counts: Records with port 22 or 3389 at either end, accepted and rejected.
-- order: most bytes first; at most 1,000 rows
-- fields: srcaddr, dstaddr, dstport, protocol
-- optional: srcport, packets, bytes, flow-direction
-- chart: table
-- parameter: address STRING = NULL: Only flows from or to this address
-- parameter: direction
-- column: srcaddr
-- column: dstaddr
-- column: dstport
-- column: protocol
-- column: service
-- column: records
-- column: packets
-- column: bytes
WITH flows AS (
    SELECT
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        count(*) AS records,
        coalesce(sum(packets), 0) AS packets,
        coalesce(sum(bytes), 0) AS bytes
    FROM all_fields
    WHERE
        event_time >= :since
        AND event_time < :until
        AND (srcport IN (22, 3389) OR dstport IN (22, 3389))
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND dstport IS NOT NULL
        AND protocol IS NOT NULL
        AND (:address IS NULL OR srcaddr = :address OR dstaddr = :address)
        AND (:direction IS NULL OR flow_direction = :direction)
    GROUP BY srcaddr, dstaddr, dstport, protocol
)

SELECT
    flows.srcaddr,
    flows.dstaddr,
    flows.dstport,
    flows.protocol,
    names.service,
    flows.records,
    flows.packets,
    flows.bytes
FROM flows
LEFT JOIN service_names AS names
    ON
        flows.protocol = names.protocol
        AND names.port <=> CASE WHEN flows.protocol IN (6, 17) THEN flows.dstport END
ORDER BY flows.bytes DESC, flows.records DESC, flows.srcaddr, flows.dstaddr, flows.dstport, flows.protocol
LIMIT 1000
