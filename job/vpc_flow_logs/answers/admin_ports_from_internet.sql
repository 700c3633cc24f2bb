-- title: Administrative ports open to the internet
-- topic: security
-- question: Who on the internet reaches administrative ports such as SSH and RDP?
-- counts: Accepted records from public addresses to administrative ports, except egress. Where flow-direction is
--   missing, connections from your own public addresses, such as IPv6 addresses, count too.
-- order: most bytes first
-- fields: srcaddr, dstaddr, dstport, protocol, action
-- optional: flow-direction, packets, bytes
-- chart: table
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
        AND action = 'ACCEPT'
        AND is_admin_port
        AND coalesce(flow_direction, 'ingress') = 'ingress'
        AND srcaddr_class = 'public'
        AND dstaddr IS NOT NULL
        AND protocol IS NOT NULL
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
