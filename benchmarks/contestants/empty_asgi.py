"""What the server alone costs: an answer without a framework and a database."""

from benchmarks.contestants.bare import Message, Receive, Send, answer


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer `{}` to everything."""
    if scope["type"] == "http":
        await answer(send, b"{}")
