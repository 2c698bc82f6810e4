"""Nothing phones home, nothing is stored, nothing is logged."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.conftest import ROOT

WATCH = """
import sys
seen = []
def hook(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple):
        seen.append(args[1][0])
    if event == "socket.getaddrinfo":
        seen.append(args[0])
sys.addaudithook(hook)
"""
LOCAL = "{'127.0.0.1', '::1', 'localhost', '0.0.0.0', None, ''}"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WATCH + textwrap.dedent(code)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "LANGSMITH_TRACING": "true", "LANGCHAIN_TRACING_V2": "true",
             "LANGSMITH_API_KEY": "x", **environment},
    )  # fmt: skip


def test_answering_over_http_and_the_page_connects_to_nobody(
    copy_index, corpus_dir, tmp_path: Path
) -> None:
    """Audit hooks see every connection of the process, also those that libraries hide."""
    done = run(
        f"""
        import threading, time, json, urllib.request, logging
        from assistant.wiring import be_quiet, build_service
        be_quiet()
        from assistant.settings import load_settings
        from assistant import server
        settings = load_settings(port=0)
        service = build_service(settings)
        from assistant.runnable import FootnoteRunnable
        FootnoteRunnable(service.default.engine).invoke("How long does my private bruise last?")
        ports = []
        listen = server._listen
        def remember(host, port):
            listener = listen(host, port); ports.append(listener.getsockname()[1]); return listener
        server._listen = remember
        def visit():
            while not ports: time.sleep(0.05)
            base = f"http://127.0.0.1:{{ports[0]}}"
            for _ in range(300):
                try:
                    urllib.request.urlopen(base + "/healthz").read(); break
                except OSError: time.sleep(0.1)
            body = json.dumps({{"question": "How long does my private bruise last?"}}).encode()
            request = urllib.request.Request(base + "/api/v1/ask", body, {{"content-type": "application/json"}})
            urllib.request.urlopen(request).read()
            urllib.request.urlopen(base + "/").read()
            time.sleep(1)
            outside = [a for a in seen if a not in {LOCAL}]
            print("OUTSIDE", outside, flush=True)
            import os; os._exit(0)
        threading.Thread(target=visit).start()
        server.serve(settings, service)
        """,
        FOOTNOTE_CORPUS=str(corpus_dir),
        FOOTNOTE_INDEX=str(copy_index()),
        FOOTNOTE_DATABASE=f"sqlite:///{tmp_path}/feedback.db",
    )
    assert "OUTSIDE []" in done.stdout, done.stdout + done.stderr[-2000:]
    assert "private" not in done.stdout + done.stderr
    assert "bruise" not in done.stdout + done.stderr
    assert not list(tmp_path.iterdir()), "something was stored that nobody asked for"


def test_ingest_connects_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "corpus" / "one").mkdir(parents=True)
    (tmp_path / "corpus" / "one" / "a.txt").write_text("Bruising fades after a while.")
    (tmp_path / "corpus" / "one" / "manifest.toml").write_text(
        'title = "T"\nabout = "t"\n[[source]]\nid = "a"\nfile = "a.txt"\ntitle = "A"\n'
    )
    done = run(
        f"""
        import ingest
        code = ingest.main(["--corpus", {str(tmp_path / "corpus")!r}, "--index", {str(tmp_path / "index")!r}])
        print("CODE", code, "OUTSIDE", [a for a in seen if a not in {LOCAL}])
        """
    )
    assert "CODE 0 OUTSIDE []" in done.stdout, done.stdout + done.stderr[-2000:]
