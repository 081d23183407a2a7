// The lines of a conversation.

import { day, element, keyed, say, time } from "./parts.js";

const BECAME = {
    "session.opened": "opened the conversation",
    "session.waiting": "set the conversation to waiting",
    "session.closed": "closed the conversation",
};

/** Who wrote a line, as an agent reads it. */
function author(line) {
    if (line.by === "backend") return "The desk";
    return line.by === "member" ? `${line.from} (not the customer)` : line.from;
}

/** What is known of a webhook or an answer: a word, a tone for it, and whether there is more to say. */
function known(line) {
    if (!line.own) return ["✓ Signature verified", "good"];
    switch (line.state) {
        case "stored":
            return ["✓ Sent", "good"];
        case "sending":
            return ["Sending…", "wait"];
        case "again":
            return [`Sending again: ${line.why}`, "wait"];
        default:
            return [`Not sent: ${line.why}`, "bad"];
    }
}

function mark(line) {
    const [word, tone] = known(line);
    const made = element("span", tone, word);
    if (tone === "bad") made.setAttribute("role", "alert");
    if (line.times > 1) made.textContent += `, came ${line.times} times`;
    return made;
}

function detail(line) {
    const number = line.seq ? `#${line.seq} · ` : "";
    return element("span", "detail", `${number}${line.webhook}`);
}

function made({ day: name, line }) {
    if (name) return element("li", "day", name);
    const item = element("li");
    if (BECAME[line.kind]) return item;
    const foot = element("div", "foot");
    foot.setAttribute("aria-live", "off");
    item.append(element("span", "from"), element("div", "bubble"), foot);
    return item;
}

function updated(item, { day: name, line, follows, again }) {
    if (name) return;
    // What has not changed is not touched: a selection stays, and nothing is read out twice.
    const now = JSON.stringify([line, follows]);
    if (item.now === now) return;
    item.now = now;
    if (BECAME[line.kind]) {
        item.className = "event";
        item.replaceChildren(`${author(line)} ${BECAME[line.kind]} · `, time(line.at), " · ", mark(line), detail(line));
        return;
    }
    item.className = `line ${line.own ? "own" : ""} ${line.state} ${follows ? "follows" : ""}`;
    const [from, bubble, foot] = item.children;
    say(from, author(line));
    say(bubble, line.deleted ? "This message was deleted." : line.text);
    bubble.classList.toggle("gone", line.deleted);
    foot.replaceChildren(time(line.at), ...(line.edited ? [element("span", "", "edited")] : []), mark(line), detail(line));
    if (line.state === "failed") {
        const button = element("button", "small", "Send again");
        button.type = "button";
        button.addEventListener("click", () => again(line));
        foot.append(button);
    }
}

/** Lines with the days between them, drawn into `parent`; `again` sends one that failed once more. */
export function drawLines(parent, lines, again) {
    const items = [];
    let before = null;
    for (const line of lines) {
        const today = day(line.at);
        const turned = before ? day(before.at) !== today : today !== "Today";
        if (turned) items.push({ key: `day ${today}`, day: today });
        const follows = !turned && before?.by === line.by && before.from === line.from && !BECAME[before.kind];
        items.push({ key: line.webhook, line, follows, again });
        before = line;
    }
    keyed(parent, items, (item) => item.key, made, updated);
}
