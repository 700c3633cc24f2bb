-- title: Port scans
-- topic: security
-- question: Which sources tried many ports or many addresses and were rejected?
-- counts: Rejected records of sources that tried at least min_ports ports or min_addresses addresses.
-- order: most ports and addresses first
-- fields: srcaddr, dstaddr, dstport, action
-- optional: packets, bytes
-- chart: table
-- parameter: min_ports INT = 20: Minimum number of different ports
-- parameter: min_addresses INT = 20: Minimum number of different addresses
-- column: srcaddr
-- column: ports BIGINT: Number of different destination ports
-- column: addresses BIGINT: Number of different destination addresses
-- column: first_seen TIMESTAMP: Time of the first of these records
-- column: last_seen TIMESTAMP: Time of the last of these records
-- column: records
-- column: packets
-- column: bytes
SELECT
    srcaddr,
    count(DISTINCT dstport) AS ports,
    count(DISTINCT dstaddr) AS addresses,
    min(event_time) AS first_seen,
    max(event_time) AS last_seen,
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
HAVING count(DISTINCT dstport) >= :min_ports OR count(DISTINCT dstaddr) >= :min_addresses
ORDER BY ports + addresses DESC, srcaddr
