"""Markdown as Slack writes it (mrkdwn). Nothing in it is a mention or a channel."""

from markdown_it.tree import SyntaxTreeNode

from web.markdown import tokens_of

_SIGNS = {"strong": "*", "em": "_"}
_OUTSIDE = ("https://", "http://", "mailto:")


def escaped(text: str) -> str:
    """Text in which nothing is a link, a mention or a channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(text: str) -> str:
    """A short text of Markdown in the form of Slack, which has no headings, tables and pictures: these are bold, lines
    of cells, and the words about the picture."""
    return "\n\n".join(filter(None, map(_block, SyntaxTreeNode(tokens_of(text)).children)))


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "heading":
            words = _inline(node).replace("*", "")
            return f"*{words}*" if words else ""
        case "bullet_list":
            return "\n".join(_item(item, "• ") for item in node.children)
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            return "\n".join(_item(item, f"{number}. ") for number, item in enumerate(node.children, first))
        case "blockquote":
            return "\n".join(f"> {line}" for line in _blocks(node).split("\n"))
        case "fence" | "code_block":
            return f"```\n{escaped(node.content.rstrip())}\n```"
        case "table":
            rows = [row for part in node.children for row in part.children]
            return "\n".join(" | ".join(_inline(cell) for cell in row.children) for row in rows)
        case "hr":
            return "———"
    return _inline(node)


def _blocks(node: SyntaxTreeNode) -> str:
    return "\n".join(filter(None, map(_block, node.children)))


def _item(node: SyntaxTreeNode, marker: str) -> str:
    return marker + _blocks(node).replace("\n", "\n    ")


def _inline(node: SyntaxTreeNode) -> str:
    """The words of a node and of what is in it."""
    match node.type:
        case "softbreak" | "hardbreak":
            return "\n"
        case "code_inline":
            return f"`{escaped(node.content)}`"
        case "link":
            words, address = "".join(map(_inline, node.children)), str(node.attrs.get("href", ""))
            is_outside = address.lower().startswith(_OUTSIDE)
            return f"<{escaped(address).replace('|', '%7C')}|{words.replace('|', '¦')}>" if is_outside else words
        case "strong" | "em":
            sign = _SIGNS[node.type]
            return f"{sign}{''.join(map(_inline, node.children))}{sign}"
    return "".join(map(_inline, node.children)) if node.children else escaped(node.content)
