// Drives the unmodified JavaScript SDK; see ../README.md for the commands. Keep it equal to the other drivers.

import { Centrifuge as Json } from "centrifuge";
import { Centrifuge as Protobuf } from "centrifuge/build/protobuf";
import { EventSource } from "eventsource";
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const option = { type: "string" };
const { values: args } = parseArgs({
    options: { addr: option, transport: { ...option, default: "websocket" }, token: option, room: option, user: option },
});
const { addr, token, room, user } = args;
const [transport, format = "json"] = args.transport.split("+");
if (!addr || !token || !room || !user) {
    console.error("usage: driver.js --addr HOST:PORT [--transport websocket+protobuf] --token T --room ROOM --user USER");
    process.exit(2);
}

const tell = (event, more = {}) => process.stdout.write(`${JSON.stringify({ event, ...more })}\n`);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// What is below the SDK, only to cut it.
let cut = () => {};
class Socket extends WebSocket {
    constructor(...args) {
        super(...args);
        cut = () => this.terminate();
    }
}
let network = new AbortController();
function cuttableFetch(url, options) {
    cut = () => {
        network.abort(new TypeError("cut"));
        network = new AbortController();
    };
    const signals = [network.signal, options.signal].filter(Boolean);
    return fetch(url, { ...options, signal: AbortSignal.any(signals) });
}
class Events extends EventSource {
    constructor(url, options) {
        super(url, { ...options, fetch: cuttableFetch });
    }
}

// In Protobuf the SDK takes and gives bytes, which hold JSON.
const pack = (data) => (format === "protobuf" ? new TextEncoder().encode(JSON.stringify(data)) : data);
const unpack = (data) => (format === "protobuf" ? JSON.parse(new TextDecoder().decode(data)) : data);

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

let giveToken = () => {};
const endpoint =
    transport === "websocket"
        ? `ws://${addr}/connection/websocket`
        : [{ transport, endpoint: `http://${addr}/connection/${transport}` }];
const client = new (format === "protobuf" ? Protobuf : Json)(endpoint, {
    token,
    data: pack({ signals: true }),
    name: user,
    websocket: Socket,
    eventsource: Events,
    fetch: cuttableFetch,
    emulationEndpoint: `http://${addr}/emulation`,
    minReconnectDelay: 100,
    maxReconnectDelay: 1000,
    getToken() {
        tell("token_wanted");
        return new Promise((resolve) => (giveToken = resolve));
    },
});
client.on("connecting", ({ code, reason }) => tell("connecting", { code, reason }));
client.on("connected", ({ client, transport, data }) => {
    tell("connected", { client, transport, features: data && unpack(data).features });
});
client.on("disconnected", ({ code, reason }) => tell("disconnected", { code, reason }));
client.on("error", ({ type, error }) => tell("error", { of: type, code: error.code, message: error.message }));

let subscription;
function subscribe({ since = { offset: 0, epoch: "" } }) {
    subscription = client.newSubscription(`room:${room}`, {
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
        if (offset) arrived(unpack(data), offset);
        else tell("signal", unpack(data));
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
                const answer = await client.rpc("send", pack({ room, key, text }));
                const data = unpack(answer.data);
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

// Many rooms at once: told of whenever all of them are subscribed.
const followed = { subscriptions: [], received: 0, faults: 0, recovered: 0, not_recovered: 0, times: 0 };
function follow({ rooms, all = false }) {
    for (const name of rooms) {
        const more = all ? { positioned: true, recoverable: true, joinLeave: true } : {};
        const one = client.newSubscription(`room:${name}`, {
            since: { offset: 0, epoch: "" },
            minResubscribeDelay: 100,
            maxResubscribeDelay: 1000,
            ...more,
        });
        let at = 0;
        one.on("subscribed", ({ recovered, wasRecovering }) => {
            if (recovered) followed.recovered += 1;
            else if (wasRecovering) followed.not_recovered += 1;
            if (followed.subscriptions.every(({ state }) => state === "subscribed")) {
                followed.times += 1;
                tell("all_subscribed", { times: followed.times });
            }
        });
        one.on("publication", ({ offset }) => {
            if (!offset) return;
            if (offset !== at + 1) followed.faults += 1;
            at = offset;
            followed.received += 1;
        });
        one.on("unsubscribed", ({ code, reason }) => tell("unsubscribed", { code, reason }));
        one.on("error", ({ type, error }) => tell("error", { of: type, code: error.code, message: error.message }));
        followed.subscriptions.push(one);
    }
    followed.subscriptions.forEach((one) => one.subscribe());
}

async function expect({ seq }) {
    if (top < seq) await new Promise((resolve) => waiting.push({ seq, done: () => void resolve() }));
    tell("reached", { seq });
}

// What a call is answered with, or the code it is refused with.
async function answered(event, call) {
    try {
        tell(event, await call());
    } catch (error) {
        tell(event, { code: error.code, message: error.message });
    }
}

const commands = {
    subscribe,
    say,
    expect,
    publish: ({ data }) => answered("published", () => subscription.publish(pack(data))),
    history: ({ limit, since, reverse = false }) =>
        answered("history", async () => {
            const page = await subscription.history({ limit, since, reverse });
            const entries = page.publications.map(({ data, offset }) => [offset, unpack(data).id, unpack(data).text ?? null]);
            return { entries, offset: page.offset, epoch: page.epoch };
        }),
    presence: () =>
        answered("presence", async () => {
            const { clients } = await subscription.presence();
            return { users: Object.values(clients).map((info) => info.user).sort() };
        }),
    token: (command) => giveToken(command.token),
    cut() {
        cut();
        tell("cut");
    },
    follow,
    followed: () => {
        const { subscriptions, ...counts } = followed;
        tell("followed", { subscribed: subscriptions.filter(({ state }) => state === "subscribed").length, ...counts });
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
