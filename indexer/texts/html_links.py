"""Links and pictures of HTML whose addresses begin at the page or the site that they stand on."""

import re
from typing import Any
from urllib.parse import urljoin

_WHOLE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def with_whole_addresses(root: Any, site: str = "") -> None:
    """Make the addresses of links and pictures whole, as of a page at `site`. Without a site they are left out, since
    here they would lead to another place."""
    for element in root.iter("a", "img"):
        name = "href" if element.tag == "a" else "src"
        address = (element.get(name) or "").strip()
        if not address or _WHOLE.match(address):
            continue
        whole = _joined(site, address) if site else ""
        if whole:
            element.set(name, whole)
        else:
            del element.attrib[name]


def _joined(site: str, address: str) -> str:
    try:
        return urljoin(f"{site.rstrip('/')}/", address)
    except ValueError:
        return ""
