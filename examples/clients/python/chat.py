"""A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does;
`/back` returns. The rules are in ../README.md.
    pip install centrifuge-python && python chat.py      (Python 3.9 or newer, beside `make run`)
"""

import asyncio
import json
import os
import random
import sys
import urllib.error
import urllib.request
import uuid

from centrifuge import Client, ClientEventHandler, ReplyError, StreamPosition, SubscriptionEventHandler, UnauthorizedError

SERVER = os.environ.get("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket")
# In production this is your own backend, which knows who is signed in.
TOKENS = os.environ.get("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana")
ROOM = os.environ.get("CHAT_ROOM", "general")


def show(entry):
    print(f"{entry['seq']} {entry['from']}: {entry.get('text', entry['type'])}", flush=True)


def note(text):
    print(f"({text})", file=sys.stderr, flush=True)


# 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
async def get_token():
    def fetch():
        with urllib.request.urlopen(TOKENS, timeout=5) as answer:
            return json.load(answer)["token"]

    try:
        return await asyncio.to_thread(fetch)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            raise UnauthorizedError("signed out") from error  # ends it
        raise  # tried again


class Connection(ClientEventHandler):
    async def on_connecting(self, ctx):
        note(f"connecting: {ctx.code} {ctx.reason}")

    async def on_disconnected(self, ctx):
        note(f"offline: {ctx.code} {ctx.reason}")


client = Client(SERVER, events=Connection(), get_token=get_token)


# 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
# more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
async def get_state(_channel):
    page = (await client.rpc("messages", {"room": ROOM, "limit": 50})).data
    for entry in page["entries"]:
        show(entry)
    return StreamPosition(page["as_of"], page["epoch"])


class Room(SubscriptionEventHandler):
    async def on_publication(self, ctx):
        show(ctx.pub.data)

    async def on_error(self, ctx):
        note(f"not subscribed yet: {ctx.error}")

    async def on_unsubscribed(self, ctx):
        note(f"out of the room: {ctx.code} {ctx.reason}")


subscription = client.new_subscription(f"room:{ROOM}", events=Room(), recoverable=True, get_state=get_state)

# 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
outbox = []
waiting = asyncio.Event()


def send(text):
    outbox.append((str(uuid.uuid4()), text))
    waiting.set()


async def send_all():
    while True:
        await waiting.wait()
        key, text = outbox[0]
        try:
            sent = (await client.rpc("send", {"room": ROOM, "key": key, "text": text})).data
            note(f"stored as {sent['seq']}")
        except ReplyError as error:  # the server has said it
            if error.temporary:
                await asyncio.sleep(random.uniform(0.3, 1))
                continue
            note(f"refused: {error.code} {error}")
        except Exception:  # an answer that did not come
            await asyncio.sleep(random.uniform(0.3, 1))
            continue
        outbox.pop(0)
        if not outbox:
            waiting.clear()


# 4. Background and return: the same client and the same subscription, which goes on where it was.
async def main():
    sender = asyncio.create_task(send_all())
    await client.connect()
    await subscription.subscribe()
    while line := await asyncio.to_thread(sys.stdin.readline):
        line = line.strip()
        if line == "/away":
            await client.disconnect()
        elif line == "/back":
            await client.connect()
        elif line:
            send(line)
    sender.cancel()
    await client.disconnect()


asyncio.run(main())
