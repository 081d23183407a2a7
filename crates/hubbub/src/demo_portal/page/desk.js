// The agent's page: what the desk has heard and said, as it comes.

import { drawLines } from "./lines.js";
import { at, element, face, keyed, say, time } from "./parts.js";

const STANDING = { open: "Open", waiting: "Waiting", closed: "Closed" };
const MOODED = {
    failing: "Webhooks are answered with 503. The server keeps what is said and tries again.",
    silent: "Webhooks are not answered. The server waits, keeps what is said and tries again.",
};
const narrow = matchMedia("(max-width: 44rem)");

let shown = { conversations: [], mood: "well", refused: 0, reach: { state: "unknown" } };
let current = null;
/** How many lines of each conversation have been seen. */
const seen = new Map();

async function post(path, body) {
    try {
        const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
        if (answer.ok) return true;
        complain((await answer.json().catch(() => ({}))).detail ?? `The desk answers ${answer.status}.`);
    } catch {
        complain("The desk’s program does not answer.");
    }
    return false;
}

function complain(why) {
    say(at("problem-what"), why);
    at("problem").hidden = !why;
}

/** Whether the lines of the current conversation are before somebody's eyes. */
const isRead = () => document.visibilityState === "visible" && (!narrow.matches || document.body.classList.contains("talking"));

const heard = (one) => one.lines.filter((line) => line.kind === "message.created").length;
const unread = (one) => heard(one) - (seen.get(one.session) ?? 0);

function choose(session) {
    current = session;
    document.body.classList.add("talking");
    draw();
    at("lines").scrollTop = at("lines").scrollHeight;
    at("text").focus();
}

function newEntry() {
    const item = element("li");
    const button = element("button", "one");
    button.type = "button";
    const words = element("span", "words");
    words.append(element("strong"), element("span", "last"));
    const side = element("span", "side");
    side.append(element("span", "when"), element("span", "standing"), element("span", "badge"));
    const picture = element("span", "face");
    picture.setAttribute("aria-hidden", "true");
    button.append(picture, words, side);
    button.addEventListener("click", () => choose(item.dataset.key));
    item.append(button);
    return item;
}

function drawEntry(item, one) {
    const name = one.customer || "A customer";
    const last = one.lines.at(-1);
    const text = one.lines.findLast((line) => line.text);
    const button = item.firstChild;
    button.setAttribute("aria-current", String(one.session === current));
    face(item.querySelector(".face"), name);
    say(item.querySelector("strong"), name);
    say(item.querySelector(".last"), text ? `${text.own ? "You: " : ""}${text.text}` : "Nothing said yet");
    item.querySelector(".when").replaceChildren(...(last ? [time(last.at)] : []));
    standing(item.querySelector(".standing"), one.state);
    const badge = item.querySelector(".badge");
    const waits = unread(one);
    badge.hidden = waits <= 0;
    badge.replaceChildren(String(waits), element("span", "unseen", " unread"));
}

function standing(element, state) {
    say(element, STANDING[state] ?? "Open");
    element.dataset.state = state || "open";
}

function drawNotices() {
    const { state, why, add } = shown.reach;
    const warns = why !== undefined;
    at("reach").hidden = !warns;
    if (warns) {
        say(at("reach-what"), state === "unanswered" ? "Something is wrong between the desk and the server:" : "Nothing will arrive here.");
        say(at("reach-why"), `${{ refused: "The server does not call the desk: ", unreached: "The server does not reach the desk: " }[state] ?? ""}${why}`);
        at("reach-add").hidden = !add;
        say(at("reach-option"), add ?? "");
        say(at("reach-make"), `make run ARGS='${add ?? ""}'`);
    }
    at("mooded").hidden = shown.mood === "well";
    say(at("mooded-what"), MOODED[shown.mood] ?? "");
    at("refused").hidden = !shown.refused;
    const many = shown.refused === 1 ? "1 webhook had a wrong signature and was" : `${shown.refused} webhooks had wrong signatures and were`;
    say(at("refused-what"), `${many} refused.`);
    at("mood").value = shown.mood;
}

function draw() {
    const list = shown.conversations;
    if (!list.some((one) => one.session === current)) {
        current = list[0]?.session ?? null;
        document.body.classList.remove("talking");
    }
    const one = list.find((one) => one.session === current);
    if (one && isRead()) seen.set(one.session, heard(one));
    keyed(at("list"), list, (one) => one.session, newEntry, drawEntry);
    drawNotices();
    for (const id of ["bar", "lines", "form"]) at(id).hidden = !one;
    at("empty").hidden = at("none").hidden = Boolean(one);
    document.body.classList.toggle("empty", !one);
    if (/^https?:/.test(shown.customer ?? "")) at("customer").href = shown.customer;
    const waits = list.reduce((sum, one) => sum + Math.max(0, unread(one)), 0);
    document.title = waits ? `(${waits}) Agent desk` : "Agent desk";
    if (one) drawConversation(one);
}

function drawConversation(one) {
    const name = one.customer || "A customer";
    face(at("face"), name);
    say(at("name"), name);
    standing(at("standing"), one.state);
    say(at("session"), `session ${one.session} of portal ${shown.portal}`);
    at("wait").hidden = one.state !== "open";
    at("close").hidden = one.state === "closed";
    at("text").placeholder = one.state === "closed" ? "An answer opens the conversation again" : "Write an answer";
    const lines = at("lines");
    const another = lines.dataset.session !== one.session;
    const stays = another || isAtEnd();
    const last = lines.dataset.last;
    if (another) at("items").replaceChildren();
    drawLines(at("items"), one.lines, (line) => void post("./again", { session: one.session, webhook: line.webhook }));
    lines.dataset.session = one.session;
    lines.dataset.last = one.lines.at(-1)?.webhook ?? "";
    if (stays || one.lines.at(-1)?.own && last !== lines.dataset.last) toEnd();
    else if (last !== lines.dataset.last) at("down").hidden = false;
}

const isAtEnd = () => at("lines").scrollHeight - at("lines").scrollTop - at("lines").clientHeight < 80;

function toEnd() {
    at("lines").scrollTop = at("lines").scrollHeight;
    at("down").hidden = true;
}

async function submit() {
    const text = at("text").value.trim();
    if (!text || !current) return;
    const session = current;
    at("text").value = "";
    // What the desk itself did not take is not lost.
    if (!await post("./reply", { session, text, agent: at("agent").value }) && !at("text").value) at("text").value = text;
}

at("form").addEventListener("submit", (event) => { event.preventDefault(); void submit(); });
at("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void submit();
});
at("mood").addEventListener("change", () => post("./mood", { mood: at("mood").value }));
at("well").addEventListener("click", () => { void post("./mood", { mood: "well" }); at("mood").focus(); });
at("problem-seen").addEventListener("click", () => { complain(""); at("text").focus(); });
at("wait").addEventListener("click", () => { void post("./state", { session: current, state: "waiting" }); at("text").focus(); });
at("close").addEventListener("click", () => { void post("./state", { session: current, state: "closed" }); at("text").focus(); });
at("down").addEventListener("click", () => { toEnd(); at("text").focus(); });
at("lines").addEventListener("scroll", () => { if (isAtEnd()) at("down").hidden = true; });
at("back").addEventListener("click", () => {
    document.body.classList.remove("talking");
    at("list").querySelector("[aria-current=true]")?.focus();
});
at("details").addEventListener("click", () => {
    const on = document.body.classList.toggle("detailed");
    at("details").setAttribute("aria-pressed", String(on));
});
document.addEventListener("visibilitychange", draw);
narrow.addEventListener("change", draw);

const events = new EventSource("./events");
events.addEventListener("message", ({ data }) => { shown = JSON.parse(data); draw(); });
events.addEventListener("open", () => { at("cut").hidden = true; });
events.addEventListener("error", () => { at("cut").hidden = false; });
