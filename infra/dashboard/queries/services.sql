-- title: Services
-- topic: traffic
-- question: Which services have the most traffic?
-- counts: Bytes by the lower of the two ports, which is usually the port of the service, without rejected records.
-- order: most bytes first; at most 20 rows
-- fields: srcport, dstport, protocol, bytes
-- optional: action, packets
-- chart: bar service, bytes
-- column: service STRING: Usual name of the port or of the protocol, else their numbers
-- column: records
-- column: packets
-- column: bytes
WITH ports AS (
    SELECT
        protocol,
        CASE WHEN protocol IN (6, 17) THEN service_port END AS port,
        sum(records) AS records,
        coalesce(sum(packets), 0) AS packets,
        coalesce(sum(bytes), 0) AS bytes
    FROM traffic
    WHERE protocol IS NOT NULL AND coalesce(action, 'ACCEPT') <> 'REJECT'
    GROUP BY protocol, CASE WHEN protocol IN (6, 17) THEN service_port END
),

named AS (
    SELECT
        coalesce(names.service, concat_ws(' port ', concat('protocol ', ports.protocol), ports.port)) AS service,
        ports.records,
        ports.packets,
        ports.bytes
    FROM ports
    LEFT JOIN service_names AS names
        ON
            ports.protocol = names.protocol
            AND ports.port <=> names.port
)

SELECT
    service,
    sum(records) AS records,
    sum(packets) AS packets,
    sum(bytes) AS bytes
FROM named
GROUP BY service
ORDER BY bytes DESC, service
LIMIT 20
