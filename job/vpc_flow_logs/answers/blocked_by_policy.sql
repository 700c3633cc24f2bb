-- title: Traffic blocked by policy
-- topic: security
-- question: What do VPC Block Public Access and encryption controls block?
-- counts: Rejected records with a reject-reason, such as BPA or EC. AWS delivers no bytes for BPA.
-- order: most records first
-- fields: reject-reason, action, srcaddr, dstaddr, dstport, protocol
-- optional: packets, bytes
-- chart: table
-- column: reject_reason
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
        reject_reason,
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
        AND action = 'REJECT'
        AND reject_reason IS NOT NULL
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
        AND dstport IS NOT NULL
        AND protocol IS NOT NULL
    GROUP BY reject_reason, srcaddr, dstaddr, dstport, protocol
)

SELECT
    flows.reject_reason,
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
ORDER BY
    flows.records DESC,
    flows.reject_reason,
    flows.srcaddr,
    flows.dstaddr,
    flows.dstport,
    flows.protocol
