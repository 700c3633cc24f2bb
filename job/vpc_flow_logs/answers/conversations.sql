-- title: Conversations
-- topic: network
-- question: Who talked to whom, with both directions of a flow in one row?
-- counts: Records except ICMP and rejected ones, by addresses, ports and protocol. If several interfaces log a
--   conversation, the bytes are those of the interface that logged the most, so nothing counts twice. The server is the
--   end that sent SYN-ACK or received SYN; without tcp-flags, the end with the lower port; with equal ports, the end
--   that did not send first.
-- order: most bytes first
-- fields: srcaddr, dstaddr, srcport, dstport, protocol
-- optional: bytes, tcp-flags, action, end, interface-id, tgw-attachment-id, resource-id
-- chart: table
-- column: community_id STRING: Community ID of the flow, version 1 with seed 0
-- column: client STRING: Address that opened the conversation
-- column: server STRING: Address that accepted the conversation
-- column: service_port INT: Port of the server; NULL for protocols without ports
-- column: protocol
-- column: client_bytes BIGINT: Bytes from the client to the server
-- column: server_bytes BIGINT: Bytes from the server to the client
-- column: first_seen TIMESTAMP: Start of the first record
-- column: last_seen TIMESTAMP: End of the last record
-- column: tcp_flags INT: TCP flags of all records, combined by OR
WITH ends AS (
    SELECT
        protocol,
        protocol IN (6, 17, 132) AS has_ports,
        event_time,
        coalesce(end_time, event_time) AS end_time,
        coalesce(bytes, 0) AS bytes,
        tcp_flags,
        coalesce(interface_id, tgw_attachment_id, resource_id, '-') AS observer,
        named_struct(
            'address', srcaddr, 'port', CASE WHEN protocol IN (6, 17, 132) THEN srcport ELSE 0 END
        ) AS source,
        named_struct(
            'address', dstaddr, 'port', CASE WHEN protocol IN (6, 17, 132) THEN dstport ELSE 0 END
        ) AS target
    FROM all_fields
    WHERE
        event_time >= :since
        AND event_time < :until
        AND coalesce(action, 'ACCEPT') <> 'REJECT'
        AND protocol NOT IN (1, 58)
        AND srcaddr IS NOT NULL
        AND dstaddr IS NOT NULL
),

-- One row per conversation and interface. The end whose address is first as text is a, the other is b.
observed AS (
    SELECT
        protocol,
        has_ports,
        least(source, target) AS a,
        greatest(source, target) AS b,
        observer,
        sum(CASE WHEN source <= target THEN bytes ELSE 0 END) AS a_bytes,
        sum(CASE WHEN source <= target THEN 0 ELSE bytes END) AS b_bytes,
        min(CASE WHEN source <= target THEN event_time END) AS a_first,
        min(CASE WHEN source <= target THEN NULL ELSE event_time END) AS b_first,
        bit_or(CASE WHEN source <= target THEN tcp_flags END) AS a_flags,
        bit_or(CASE WHEN source <= target THEN NULL ELSE tcp_flags END) AS b_flags,
        max(end_time) AS last_seen
    FROM ends
    WHERE source.port IS NOT NULL AND target.port IS NOT NULL
    GROUP BY protocol, has_ports, least(source, target), greatest(source, target), observer
),

conversations AS (
    SELECT
        protocol,
        has_ports,
        a,
        b,
        max(a_bytes) AS a_bytes,
        max(b_bytes) AS b_bytes,
        min(a_first) AS a_first,
        min(b_first) AS b_first,
        coalesce(bit_or(a_flags), 0) AS a_flags,
        coalesce(bit_or(b_flags), 0) AS b_flags,
        bit_or(coalesce(a_flags | b_flags, a_flags, b_flags)) AS tcp_flags,
        max(last_seen) AS last_seen
    FROM observed
    GROUP BY protocol, has_ports, a, b
),

addresses AS (
    SELECT
        *,
        address_digits(a.address) AS a_digits,
        address_digits(b.address) AS b_digits
    FROM conversations
),

-- Community ID puts the end with the lower address first, and of equal addresses, the one with the lower port.
ordered AS (
    SELECT
        *,
        a_digits < b_digits OR (a_digits = b_digits AND a.port <= b.port) AS a_is_first
    FROM addresses
),

-- SYN is 2 and ACK is 16. AWS logs SYN-ACK as 18, and no other ACK.
sided AS (
    SELECT
        *,
        CASE
            WHEN a_flags & 18 = 18 AND b_flags & 18 <> 18 THEN FALSE
            WHEN b_flags & 18 = 18 AND a_flags & 18 <> 18 THEN TRUE
            WHEN a_flags & 2 = 2 AND b_flags & 2 <> 2 THEN TRUE
            WHEN b_flags & 2 = 2 AND a_flags & 2 <> 2 THEN FALSE
            WHEN a.port <> b.port THEN a.port > b.port
            WHEN a_first = b_first THEN a_is_first
            ELSE coalesce(a_first < b_first, a_first IS NOT NULL)
        END AS a_is_client,
        concat(
            '0000',
            CASE WHEN a_is_first THEN concat(a_digits, b_digits) ELSE concat(b_digits, a_digits) END,
            lpad(hex(protocol), 2, '0'),
            '00',
            CASE
                WHEN NOT has_ports THEN ''
                WHEN a_is_first THEN concat(lpad(hex(a.port), 4, '0'), lpad(hex(b.port), 4, '0'))
                ELSE concat(lpad(hex(b.port), 4, '0'), lpad(hex(a.port), 4, '0'))
            END
        ) AS flow_tuple
    FROM ordered
)

SELECT
    concat('1:', base64(unhex(sha1(unhex(flow_tuple))))) AS community_id,
    CASE WHEN a_is_client THEN a.address ELSE b.address END AS client,
    CASE WHEN a_is_client THEN b.address ELSE a.address END AS server,
    CASE WHEN has_ports AND a_is_client THEN b.port WHEN has_ports THEN a.port END AS service_port,
    protocol,
    CASE WHEN a_is_client THEN a_bytes ELSE b_bytes END AS client_bytes,
    CASE WHEN a_is_client THEN b_bytes ELSE a_bytes END AS server_bytes,
    least(a_first, b_first) AS first_seen,
    last_seen,
    tcp_flags
FROM sided
-- Only valid addresses have bits. The condition has an aggregate, so that Spark does not check it for each record.
WHERE CASE WHEN flow_tuple IS NOT NULL THEN last_seen END IS NOT NULL
ORDER BY client_bytes + server_bytes DESC, first_seen, community_id
