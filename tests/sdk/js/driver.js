// Drives the unmodified JavaScript SDK; see ../README.md for the commands. Keep it equal to ../python/driver.py.

import { Centrifuge } from "centrifuge";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const { values: args } = parseArgs({
    options: { url: { type: "string" }, token: { type: "string" }, room: { type: "string" }, user: { type: "string" } },
});
const { url, token, room, user } = args;
if (!url || !token || !room || !user) {
    console.error("usage: driver.js --url ws://… --token T --room ROOM --user USER");
    process.exit(2);
}

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The socket below the SDK, only to cut it.
let socket;
class Socket extends WebSocket {
    constructor(...args) {
        super(...args);
        socket = this;
    }
}

const log = [];
const counters = { subscribed: 0, recovered: 0, not_recovered: 0, duplicates: 0, holes: 0 };
let top = 0;
let waiting = [];

function arrived(data, offset) {
    log.push([offset, data.id, data.text ?? null]);
    if (offset <= top) counters.duplicates += 1;
    else if (log.length > 1 && offset > top + 1) counters.holes += 1;
    top = Math.max(top, offset);
    waiting = waiting.filter(({ seq, done }) => seq > top || done());
}

const client = new Centrifuge(url, { token, name: user, websocket: Socket, minReconnectDelay: 100, maxReconnectDelay: 1000 });
client.on("connecting", ({ code, reason }) => tell("connecting", { code, reason }));
client.on("connected", (context) => tell("connected", { client: context.client }));
client.on("disconnected", ({ code, reason }) => tell("disconnected", { code, reason }));
client.on("error", ({ type, error }) => tell("error", { of: type, code: error.code, message: error.message }));

function subscribe({ since = { offset: 0, epoch: "" } }) {
    const subscription = client.newSubscription(`room:${room}`, {
        since,
        minResubscribeDelay: 100,
        maxResubscribeDelay: 1000,
    });
    subscription.on("subscribed", ({ recovered, wasRecovering, streamPosition }) => {
        counters.subscribed += 1;
        if (recovered) counters.recovered += 1;
        else if (wasRecovering) counters.not_recovered += 1;
        const { offset = 0, epoch = "" } = streamPosition ?? {};
        tell("subscribed", { recovered, was_recovering: wasRecovering, offset, epoch });
    });
    subscription.on("publication", ({ data, offset }) => {
        if (offset) arrived(data, offset);
    });
    subscription.on("unsubscribed", ({ code, reason }) => tell("unsubscribed", { code, reason }));
    subscription.on("error", ({ type, error }) => tell("error", { of: type, code: error.code, message: error.message }));
    subscription.subscribe();
}

async function say({ n, prefix = "", window = 32 }) {
    const acks = [];
    let next = 1;
    let retries = 0;
    let refused = 0;
    async function sayOne(text) {
        const key = randomUUID();
        for (;;) {
            try {
                const { data } = await client.rpc("send", { room, key, text });
                acks.push([data.seq, data.id, text]);
                return;
            } catch (error) {
                // Codes below 100 are the SDK's own: timeout, connection closed.
                if (error.code >= 100 && !error.temporary) {
                    refused += 1;
                    tell("error", { of: "send", code: error.code, message: error.message });
                    return;
                }
                retries += 1;
                await sleep(50 + Math.random() * 100);
            }
        }
    }
    const worker = async () => {
        while (next <= n) await sayOne(`${prefix}${next++}`);
    };
    await Promise.all(Array.from({ length: Math.min(window, n) }, worker));
    tell("said", { acked: acks.length, retries, refused, acks });
}

async function expect({ seq }) {
    if (top < seq) await new Promise((resolve) => waiting.push({ seq, done: () => void resolve() }));
    tell("reached", { seq });
}

const commands = {
    subscribe,
    say,
    expect,
    cut() {
        socket?.terminate();
        tell("cut");
    },
    log: () => tell("log", { log, ...counters }),
    quit: () => input.close(),
};

const input = createInterface({ input: process.stdin });
input.on("line", async (line) => {
    try {
        const command = JSON.parse(line);
        const act = commands[command.do];
        if (!act) throw new Error(`no such command: ${command.do}`);
        await act(command);
    } catch (error) {
        tell("error", { of: "command", message: error.message });
    }
});
input.on("close", () => {
    client.disconnect();
    // Not before everything is written.
    process.stdout.write("", () => process.exit(0));
});

client.connect();
