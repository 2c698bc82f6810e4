"""The process that serves: the API at once, the page as soon as it is built.

uvicorn's access log is off (addresses and paths of visitors are nobody's business here);
question and answer texts are never logged anywhere.
"""

import ipaddress
import logging
import socket

import uvicorn

from assistant.api import create_api
from assistant.errors import FootnoteError
from assistant.service import Service
from assistant.settings import Settings


def serve(settings: Settings, service: Service) -> None:
    """Serve until interrupted.

    Raises:
        FootnoteError: the address is taken or cannot be listened on.

    """
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel("WARNING")
    logging.getLogger("uvicorn.error").addFilter(_without_words)
    proxies = _proxies(settings.proxies)
    api = create_api(service)
    if settings.page:
        from assistant.page import mount_page

        mount_page(api)
    listener = _listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    logging.getLogger("footnote").info("Footnote is at http://%s:%s", host, port)
    config = uvicorn.Config(
        api,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.proxies),
        forwarded_allow_ips=proxies,
    )
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        service.close()


def _without_words(record: logging.LogRecord) -> bool:
    """Keep of an exception its type: its text, and its traceback's, may hold a visitor's words."""
    if record.exc_info and record.exc_info[0]:
        record.msg, record.args = f"request failed: {record.exc_info[0].__name__}", ()
        record.exc_info = record.exc_text = None
    return True


def _proxies(text: str) -> list[str]:
    """Return the proxies' addresses and networks, also as a socket for both kinds shows them."""
    found = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        try:
            network = ipaddress.ip_network(part, strict=False)
        except ValueError:
            raise FootnoteError(
                f"FOOTNOTE_PROXIES={text!r}: {part!r} is no address. "
                "Write addresses or networks, such as 127.0.0.1, 10.0.0.0/8"
            ) from None
        found.append(str(network))
        if network.version == 4:
            found.append(f"::ffff:{network.network_address}/{96 + network.prefixlen}")
    return found


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise FootnoteError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Choose another: --port 7861"
        ) from None
    listener.listen()  # so that whoever reads the address in the log can connect
    listener.set_inheritable(True)
    return listener
