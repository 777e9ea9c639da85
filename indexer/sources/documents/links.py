"""Links between the files of a folder, as links to where the folder is published."""

import re
from posixpath import join, normpath
from urllib.parse import quote, unquote, urlsplit

_LINK = re.compile(r"(?<!\\)(!?\[[^\]\n]{0,500}\]\()(<[^<>\n]{1,1000}>|[^()\s]{1,1000})((?:\s+\"[^\"\n]{0,300}\")?\))")


def address_of(name: str, address: str) -> str:
    """The address of a file at `address`, by its path from the folder on."""
    return f"{address.rstrip('/')}/{quote(name)}"


def with_addresses(text: str, name: str, address: str) -> str:
    """The text of a file whose links to other files lead to their addresses. One that leads out of the folder stays as
    it is."""

    def replaced(link: re.Match[str]) -> str:
        parts = urlsplit(link[2].strip("<>"))
        if parts.scheme or parts.netloc or not parts.path:
            return link[0]
        path = unquote(parts.path)
        target = normpath(path.lstrip("/") if path.startswith("/") else join(name.rpartition("/")[0], path))
        if target.startswith(".."):
            return link[0]
        anchor = f"#{parts.fragment}" if parts.fragment else ""
        return f"{link[1]}{address_of(target, address)}{anchor}{link[3]}"

    return _LINK.sub(replaced, text)
