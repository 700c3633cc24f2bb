"""Names of protocols and of well-known ports.

Source: https://www.iana.org/assignments/protocol-numbers and
https://www.iana.org/assignments/service-names-port-numbers. Where an IANA name is not helpful (3389, 6379), the common
one is used.
"""

from __future__ import annotations

PROTOCOLS = {
    1: "icmp", 2: "igmp", 4: "ip in ip", 6: "tcp", 17: "udp", 33: "dccp", 41: "ipv6 in ip", 47: "gre", 50: "esp",
    51: "ah", 58: "icmp6", 88: "eigrp", 89: "ospf", 103: "pim", 112: "vrrp", 115: "l2tp", 132: "sctp",
}  # fmt: skip
"""Name of each protocol, by number."""

PORTS = {
    20: "ftp data", 21: "ftp", 22: "ssh", 23: "telnet", 25: "smtp", 53: "dns", 67: "dhcp", 68: "dhcp", 69: "tftp",
    80: "http", 88: "kerberos", 110: "pop3", 111: "rpcbind", 123: "ntp", 135: "ms-rpc", 137: "netbios",
    138: "netbios", 139: "netbios", 143: "imap", 161: "snmp", 162: "snmp trap", 179: "bgp", 389: "ldap", 443: "https",
    445: "smb", 465: "smtps", 500: "ike", 514: "syslog", 587: "submission", 636: "ldaps", 853: "dns over tls",
    873: "rsync", 989: "ftps", 990: "ftps", 993: "imaps", 995: "pop3s", 1194: "openvpn", 1433: "sql server",
    1521: "oracle", 1723: "pptp", 2049: "nfs", 2181: "zookeeper", 2375: "docker", 2376: "docker tls", 3128: "squid",
    3306: "mysql", 3389: "rdp", 4500: "ipsec nat-t", 5060: "sip", 5061: "sips", 5432: "postgresql", 5671: "amqps",
    5672: "amqp", 5900: "vnc", 5985: "winrm", 5986: "winrm", 6379: "redis", 6443: "kubernetes", 7547: "tr-069",
    8080: "http alt", 8081: "http alt", 8443: "https alt", 8888: "http alt",
    9042: "cassandra", 9092: "kafka", 9200: "elasticsearch", 9300: "elasticsearch", 10250: "kubelet",
    11211: "memcached", 27017: "mongodb", 51820: "wireguard",
}  # fmt: skip
"""Service that usually listens on a port of TCP or UDP."""

ADMIN_PORTS = (20, 21, 22, 23, 135, 139, 445, 1433, 1521, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 11211, 27017)
"""Ports for the administration of machines and databases. AWS does not publish the ports that its query uses."""

WITH_PORTS = (6, 17)
"""Protocols whose ports have these names: TCP and UDP."""
