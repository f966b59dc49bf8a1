"""The socket that a server listens on."""

import socket

from jobrunner.web.listening import listen


def test_an_answer_is_sent_at_once():
    with listen("127.0.0.1", 0) as listening, socket.socket() as client:
        client.connect(listening.getsockname())
        accepted, _ = listening.accept()
        with accepted:
            # What asyncio looks at before it sets TCP_NODELAY.
            assert accepted.proto == socket.IPPROTO_TCP
