"""From which address a request really comes when proxies stand in front of Kollega. Every limit by address uses
this."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from flask import request

from web import current

Address = IPv4Address | IPv6Address


def client_address() -> str:
    """The address of the client. When the connection comes from a trusted proxy, it is the last address in
    X-Forwarded-For that is not a trusted proxy itself: what stands before that one, anybody may have written."""
    address, text = _parse(request.remote_addr or ""), request.remote_addr or ""
    hops = [hop for line in request.headers.getlist("X-Forwarded-For") for hop in line.split(",")]
    while address is not None and _is_trusted(address) and hops:
        named = _parse(hops.pop())
        if named is None:  # the proxy itself is what is known
            break
        address, text = named, str(named)
    return text


def limit_key() -> str:
    """What counts as one client: an IPv4 address, or the 64 bits of an IPv6 address that an internet provider gives to
    one customer."""
    address = _parse(text := client_address())
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else text


def from_trusted_proxy() -> bool:
    """True when the connection itself comes from a trusted proxy."""
    address = _parse(request.remote_addr or "")
    return address is not None and _is_trusted(address)


def _is_trusted(address: Address) -> bool:
    return any(address in network for network in current.environment().trusted_networks)


def _parse(text: str) -> Address | None:
    """An address, which may have a port behind it; None for anything else."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
