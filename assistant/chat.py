"""Gradio as an application of its own, with no more of it than the conversation needs.

In: the API's application, for its service and metrics. Out: an application that serves Gradio,
and forgets idle visitors. Its components are `components`', what stands around them `document`'s.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from assistant.components import AT_ONCE, blocks
from assistant.conversation import Conversation

log = logging.getLogger(__name__)
QUEUE = 500
"""Questions that may wait; one more is turned away at once."""
SESSIONS = 2000
"""Visitors remembered at the same time; the longest idle is forgotten first."""
IDLE = 3600.0
"""Seconds after which an idle session is forgotten."""
SWEEP = 60.0


def make_chat(api: FastAPI) -> FastAPI:
    """Return an application that serves the page at its root."""
    import gradio as gr
    from gradio import queueing, routes

    for module in (queueing, routes):
        vars(module)["traceback"] = _Wordless()
    page = blocks(gr, Conversation(api.state.service, api.state.metrics))
    page.queue(default_concurrency_limit=AT_ONCE, max_size=QUEUE, api_open=False)
    page.state_session_capacity = SESSIONS

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(_sweep(page))
        yield
        sweeping.cancel()

    shell = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    # Without this, Gradio lets every origin read its answers.
    shell.add_middleware(CORSMiddleware, allow_origins=[])
    gr.mount_gradio_app(
        shell,
        page,
        "/",
        theme=_theme(gr),
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
    )
    # A stream that stays open as long as the tab would keep the server from ending.
    page.config["connect_heartbeat"] = False
    return shell


class _Wordless:
    """What Gradio has for `traceback`: it would print what a visitor typed, whatever the log level."""

    def print_exc(self) -> None:
        """Log the type of the exception that is being handled."""
        error = sys.exc_info()[0]
        log.error("the page failed: %s", error.__name__ if error else "unknown")


async def _sweep(page: Any) -> None:
    """Forget idle sessions whole: Gradio itself would keep the last values of each component."""
    while True:
        await asyncio.sleep(SWEEP)
        forget_idle(page.state_holder, datetime.now() - timedelta(seconds=IDLE))  # noqa: DTZ005


def forget_idle(holder: Any, before: datetime) -> None:
    """Drop the sessions of Gradio's state holder that were last used before a (local) time."""
    for session, used in list(holder.time_last_used.items()):
        if used < before:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)


def _theme(gr: Any) -> Any:
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    )
