-- title: Unencrypted traffic
-- topic: security
-- question: Which traffic inside the VPC is not encrypted?
-- counts: Records with encryption-status 0, except rejected ones.
-- order: most bytes first
-- fields: encryption-status, srcaddr, dstaddr, dstport, protocol
-- optional: traffic-path, flow-direction, action, packets, bytes
-- chart: table
-- parameter: direction
-- column: srcaddr
-- column: dstaddr
-- column: dstport
-- column: protocol
-- column: service
-- column: traffic_path
-- column: records
-- column: packets
-- column: bytes
WITH flows AS (
    SELECT
        srcaddr,
        dstaddr,
        dstport,
        protocol,
        traffic_path,
        count(*) AS records,
        coalesce(sum(packets), 0) AS packets,
        coalesce(sum(bytes), 0) AS bytes
    FROM all_fields
    WHERE
        event_time >= :since
        AND event_time < :until
        AND encryption_status = 0
        AND coalesce(action, 'ACCEPT') <> 'REJECT'
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND dstport IS NOT NULL
        AND protocol IS NOT NULL
        AND (:direction IS NULL OR flow_direction = :direction)
    GROUP BY srcaddr, dstaddr, dstport, protocol, traffic_path
)

SELECT
    flows.srcaddr,
    flows.dstaddr,
    flows.dstport,
    flows.protocol,
    names.service,
    flows.traffic_path,
    flows.records,
    flows.packets,
    flows.bytes
FROM flows
LEFT JOIN service_names AS names
    ON
        flows.protocol = names.protocol
        AND names.port <=> CASE WHEN flows.protocol IN (6, 17) THEN flows.dstport END
ORDER BY
    flows.bytes DESC,
    flows.records DESC,
    flows.srcaddr,
    flows.dstaddr,
    flows.dstport,
    flows.protocol,
    flows.traffic_path
