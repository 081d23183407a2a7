// A connection of one's own, as far as it comes without a server: where tokens come from.

import assert from "node:assert/strict";
import { test } from "node:test";
import { directLink, UnauthorizedError } from "../dist/index.js";
import { until } from "./world.js";

/** A server that takes connections and says nothing. */
class Silent {
    static made = 0;

    constructor() {
        Silent.made += 1;
    }

    send() {}
    close() {}
}

function opens(...answers) {
    const told = { asked: 0, states: [] };
    const getToken = async () => {
        told.asked += 1;
        const answer = answers.length > 1 ? answers.shift() : answers[0];
        if (answer instanceof Error) throw answer;
        return answer;
    };
    const link = directLink({ server: "ws://127.0.0.1:1/", user: "ana", getToken, websocket: Silent });
    const listener = { state: (...state) => told.states.push(state), welcome() {}, hint() {}, leads() {} };
    link.open(listener);
    return { link, told, listener };
}

test("a backend that answers without a token, or not at all, is asked again", async () => {
    const before = Silent.made;
    const { link, told } = opens(undefined, "", new Error("no answer"), "a token");
    await until(() => Silent.made > before, "a connection");
    assert.equal(told.asked, 4);
    assert.ok(told.states.every(([state]) => state === "connecting"), JSON.stringify(told.states));
    assert.ok(told.states.some(([, why]) => why?.startsWith("There is no token")));
    link.close();
});

test("a backend that says there is none for this user is not asked again before one opens anew", async () => {
    const { link, told, listener } = opens(new UnauthorizedError("signed out"));
    await until(() => told.states.at(-1)?.[0] === "disconnected", "the end");
    assert.match(told.states.at(-1)[1], /no token/);
    assert.equal(told.asked, 1);
    link.open(listener);
    await until(() => told.asked === 2 && told.states.at(-1)[0] === "disconnected", "asked again");
    link.close();
});
