"""An image of the user's as part of a page: told by its first bytes, never decoded."""

from base64 import b64encode

from archcalc.diagnostics import Unusable
from archcalc.files import shown_path

MOST = 4 * 2**20  # bytes; base64 makes a third more of them
KINDS = (
    (b"\x89PNG\r\n\x1a\n", b"", "image/png"),
    (b"\xff\xd8\xff", b"", "image/jpeg"),
    (b"GIF8", b"", "image/gif"),
    (b"RIFF", b"WEBP", "image/webp"),  # with the size of the file between
)


def data_uri(path: str) -> str:
    """The file as a `data:` address.  Raises Unusable where it is no such image or cannot be read."""
    try:
        with open(path, "rb") as file:
            content = file.read(MOST + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it cannot be read"
        raise Unusable(f"{shown_path(path)}: {reason}") from None
    if len(content) > MOST:
        raise Unusable(f"{shown_path(path)} has more than {MOST // 2**20} MiB; a smaller image shows as much")
    for begin, then, kind in KINDS:
        if content.startswith(begin) and content[8:12].startswith(then):
            return f"data:{kind};base64,{b64encode(content).decode()}"
    raise Unusable(f"{shown_path(path)} is no PNG, JPEG, GIF or WebP image")
