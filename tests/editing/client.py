"""An editor, as far as the protocol goes: JSON-RPC over a real process, with nothing of the server's library."""

import json
import subprocess
import sys
import threading
from typing import Any

WAIT = 120  # seconds; a busy machine is slow


class Editor:
    def __init__(self, **capabilities: Any) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "archcalc", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.watchdog = threading.Timer(WAIT, self.process.kill)
        self.watchdog.start()
        self.number = 0
        self.published: dict[str, list[dict[str, Any]]] = {}
        self.versions: dict[str, int] = {}
        answer = self.ask("initialize", processId=None, rootUri=None, capabilities=capabilities)
        self.capabilities = answer["capabilities"]
        self.tell("initialized")

    def send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(data) + data)
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            assert line, "the server ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: dict[str, Any] = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            found = message["params"]
            self.published[found["uri"]] = found["diagnostics"]
            self.versions[found["uri"]] = found.get("version")
        return message

    def ask(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        self.send({"id": self.number, "method": method, "params": parameters})
        while (message := self.receive()).get("id") != self.number:
            pass
        assert "error" not in message, message
        return message["result"]

    def tell(self, method: str, **parameters: Any) -> None:
        self.send({"method": method, "params": parameters})

    def open(self, uri: str, text: str) -> list[dict[str, Any]]:
        self.versions.pop(uri, None)
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", textDocument=document)
        return self.wait(uri, 1)

    def change(self, uri: str, text: str, version: int) -> None:
        self.tell(
            "textDocument/didChange",
            textDocument={"uri": uri, "version": version},
            contentChanges=[{"text": text}],
        )

    def wait(self, uri: str, version: int) -> list[dict[str, Any]]:
        """What was published for a version."""
        while self.versions.get(uri) != version:
            self.receive()
        return self.published[uri]

    def at(self, uri: str, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}

    def end(self) -> tuple[int, bytes]:
        """Shut down as the protocol says; the exit code and what was complained."""
        self.ask("shutdown")
        self.tell("exit")
        assert self.process.stderr
        complaint = self.process.stderr.read()
        code = self.process.wait(WAIT)
        self.watchdog.cancel()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            stream.close()
        return code, complaint
