"""Drives the unmodified Python SDK; see ../README.md for the commands. Keep it equal to the other drivers."""

import argparse
import asyncio
import json
import logging
import random
import sys
import uuid

from centrifuge import (
    Client,
    ClientEventHandler,
    ReplyError,
    StreamPosition,
    SubscriptionEventHandler,
)

def tell(event, **more):
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


class Log(SubscriptionEventHandler):
    """Every publication in the order of arrival."""

    def __init__(self, unpack):
        self.unpack = unpack
        self.entries = []
        self.counters = {"subscribed": 0, "recovered": 0, "not_recovered": 0, "duplicates": 0, "holes": 0}
        self.top = 0
        self.moved = asyncio.Condition()

    async def on_subscribed(self, ctx):
        self.counters["subscribed"] += 1
        if ctx.recovered:
            self.counters["recovered"] += 1
        elif ctx.was_recovering:
            self.counters["not_recovered"] += 1
        position = ctx.stream_position or StreamPosition(0, "")
        tell(
            "subscribed",
            recovered=ctx.recovered,
            was_recovering=ctx.was_recovering,
            offset=position.offset,
            epoch=position.epoch,
        )

    async def on_publication(self, ctx):
        offset = ctx.pub.offset
        if not offset:
            tell("signal", **self.unpack(ctx.pub.data))
            return
        data = self.unpack(ctx.pub.data)
        self.entries.append([offset, data["id"], data.get("text")])
        if offset <= self.top:
            self.counters["duplicates"] += 1
        elif len(self.entries) > 1 and offset > self.top + 1:
            self.counters["holes"] += 1
        self.top = max(self.top, offset)
        async with self.moved:
            self.moved.notify_all()

    async def on_unsubscribed(self, ctx):
        tell("unsubscribed", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        tell("error", of="subscription", code=ctx.code, message=str(ctx.error))


class Followed(SubscriptionEventHandler):
    """One of many rooms. Told of whenever all of them are subscribed."""

    all = []
    counts = {"received": 0, "faults": 0, "recovered": 0, "not_recovered": 0, "times": 0}

    def __init__(self):
        self.at = 0
        self.subscribed = False
        Followed.all.append(self)

    async def on_subscribing(self, ctx):
        self.subscribed = False

    async def on_subscribed(self, ctx):
        self.subscribed = True
        if ctx.recovered:
            self.counts["recovered"] += 1
        elif ctx.was_recovering:
            self.counts["not_recovered"] += 1
        if all(one.subscribed for one in Followed.all):
            self.counts["times"] += 1
            tell("all_subscribed", times=self.counts["times"])

    async def on_publication(self, ctx):
        if ctx.pub.offset:
            self.counts["faults"] += ctx.pub.offset != self.at + 1
            self.at = ctx.pub.offset
            self.counts["received"] += 1

    async def on_unsubscribed(self, ctx):
        self.subscribed = False
        tell("unsubscribed", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        tell("error", of="subscription", code=ctx.code, message=str(ctx.error))


class Events(ClientEventHandler):
    async def on_connecting(self, ctx):
        tell("connecting", code=ctx.code, reason=ctx.reason)

    async def on_connected(self, ctx):
        told = json.loads(ctx.data) if isinstance(ctx.data, bytes) else ctx.data
        tell("connected", client=ctx.client, transport="websocket", features=(told or {}).get("features"))

    async def on_disconnected(self, ctx):
        tell("disconnected", code=ctx.code, reason=ctx.reason)

    async def on_error(self, ctx):
        tell("error", of="client", code=ctx.code, message=str(ctx.error))


class Driver:
    def __init__(self, args):
        self.room = args.room
        transport, _, form = args.transport.partition("+")
        if transport != "websocket":
            raise SystemExit(f"this SDK knows no transport {transport}")
        self.protobuf = form == "protobuf"
        self.log = Log(self.unpack)
        self.subscription = None
        self.tokens = asyncio.Queue()
        self.client = Client(
            f"ws://{args.addr}/connection/websocket",
            events=Events(),
            token=args.token,
            get_token=self.another_token,
            use_protobuf=self.protobuf,
            name=args.user,
            data=self.pack({"signals": True}),
            min_reconnect_delay=0.1,
            max_reconnect_delay=1.0,
            proxy=None,
        )

    # In Protobuf the SDK takes and gives bytes, which hold JSON.
    def pack(self, data):
        return json.dumps(data).encode() if self.protobuf else data

    def unpack(self, data):
        return json.loads(data) if self.protobuf else data

    async def another_token(self):
        tell("token_wanted")
        return await self.tokens.get()

    async def subscribe(self, since=None):
        since = since or {"offset": 0, "epoch": ""}

        # This SDK takes a first position only so. It asks again where the server cannot recover.
        async def position(_channel):
            return StreamPosition(since["offset"], since["epoch"])

        self.subscription = self.client.new_subscription(
            f"room:{self.room}",
            events=self.log,
            min_resubscribe_delay=0.1,
            max_resubscribe_delay=1.0,
            recoverable=True,
            get_state=position,
        )
        await self.subscription.subscribe()

    async def follow(self, rooms, all=False):
        async def position(_channel):
            return StreamPosition(0, "")

        subscriptions = [
            self.client.new_subscription(
                f"room:{room}",
                events=Followed(),
                min_resubscribe_delay=0.1,
                max_resubscribe_delay=1.0,
                positioned=all,
                recoverable=True,
                join_leave=all,
                get_state=position,
            )
            for room in rooms
        ]
        for subscription in subscriptions:
            await subscription.subscribe()

    async def show_followed(self):
        tell("followed", subscribed=sum(one.subscribed for one in Followed.all), **Followed.counts)

    async def say(self, n, prefix="", window=32):
        acks = []
        texts = iter([f"{prefix}{number}" for number in range(1, n + 1)])
        counts = {"retries": 0, "refused": 0}

        async def say_one(text):
            key = str(uuid.uuid4())
            while True:
                try:
                    result = await self.client.rpc("send", self.pack({"room": self.room, "key": key, "text": text}))
                    data = self.unpack(result.data)
                    acks.append([data["seq"], data["id"], text])
                    return
                except ReplyError as error:
                    if not error.temporary:
                        counts["refused"] += 1
                        tell("error", of="send", code=error.code, message=error.message)
                        return
                except Exception:  # Timeout, connection closed: whatever kept the answer away.
                    pass
                counts["retries"] += 1
                await asyncio.sleep(random.uniform(0.05, 0.15))

        async def worker():
            for text in texts:
                await say_one(text)

        await asyncio.gather(*(worker() for _ in range(min(window, n))))
        tell("said", acked=len(acks), **counts, acks=acks)

    async def expect(self, seq):
        async with self.log.moved:
            await self.log.moved.wait_for(lambda: self.log.top >= seq)
        tell("reached", seq=seq)

    # What a call is answered with, or the code it is refused with.
    async def answered(self, event, call):
        try:
            tell(event, **await call)
        except ReplyError as error:
            tell(event, code=error.code, message=str(error))

    async def publish(self, data):
        async def call():
            await self.subscription.publish(self.pack(data))
            return {}

        await self.answered("published", call())

    async def history(self, limit, since=None, reverse=False):
        async def call():
            position = since and StreamPosition(since["offset"], since["epoch"])
            page = await self.subscription.history(limit=limit, since=position, reverse=reverse)
            entries = [(pub.offset, self.unpack(pub.data)) for pub in page.publications]
            return {
                "entries": [[offset, data["id"], data.get("text")] for offset, data in entries],
                "offset": page.offset,
                "epoch": page.epoch,
            }

        await self.answered("history", call())

    async def presence(self):
        async def call():
            result = await self.subscription.presence()
            return {"users": sorted(info.user for info in result.clients.values())}

        await self.answered("presence", call())

    async def token(self, token):
        await self.tokens.put(token)

    async def cut(self):
        # The socket below the SDK, only to cut it.
        connection = self.client._conn
        if connection is not None:
            connection.transport.abort()
        tell("cut")

    async def show(self):
        tell("log", log=self.log.entries, **self.log.counters)

    async def obey(self, line):
        commands = {
            "subscribe": self.subscribe,
            "follow": self.follow,
            "followed": self.show_followed,
            "say": self.say,
            "expect": self.expect,
            "publish": self.publish,
            "history": self.history,
            "presence": self.presence,
            "token": self.token,
            "cut": self.cut,
            "log": self.show,
        }
        try:
            command = json.loads(line)
            act = commands.get(command.pop("do", None))
            if act is None:
                raise ValueError(f"no such command: {line.strip()}")
            await act(**command)
        except Exception as error:
            tell("error", of="command", message=f"{type(error).__name__}: {error}")


async def main():
    parser = argparse.ArgumentParser()
    for name in ("addr", "token", "room", "user"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--transport", default="websocket")
    driver = Driver(parser.parse_args())
    await driver.client.connect()

    reader = asyncio.StreamReader(limit=1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = set()
    while line := (await reader.readline()).decode():
        if '"quit"' in line:
            break
        task = asyncio.create_task(driver.obey(line))
        running.add(task)
        task.add_done_callback(running.discard)
    for task in running:
        task.cancel()
    await driver.client.disconnect()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(main())
