const at = (id) => document.getElementById(id);
let shown = { conversations: [], mood: "well", refused: 0 };
let current = null;

function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
}

async function post(path, body) {
    const answer = await fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    if (!answer.ok) alert((await answer.json().catch(() => ({}))).detail ?? `HTTP ${answer.status}`);
    return answer.ok;
}

function item(line) {
    if (line.kind.startsWith("session.")) {
        const made = element("li", "event", `${line.from === "hubbub:api" ? "the desk" : line.from}: session ${line.kind.slice(8)} `);
        made.append(mark(line));
        return made;
    }
    const made = element("li", line.own ? "own" : "");
    made.append(element("div", "bubble", line.text), element("br"), foot(line));
    return made;
}

function mark(line) {
    return element("span", "good foot", line.times > 1 ? `✓ signature verified, came ${line.times} times` : "✓ signature verified");
}

function foot(line) {
    const made = element("span", "foot");
    if (line.own) {
        const good = line.state === "stored";
        made.append(element("span", good ? "good" : line.state === "sending" ? "" : "bad", good ? `✓ stored as #${line.seq}` : line.state));
    } else {
        made.append(mark(line), document.createTextNode(` · #${line.seq}`));
    }
    made.append(document.createTextNode(` · ${line.webhook}`));
    return made;
}

function draw() {
    const list = shown.conversations;
    if (!list.some((one) => one.session === current)) current = list[0]?.session ?? null;
    at("list").replaceChildren(...list.map((one) => {
        const made = element("button");
        made.type = "button";
        made.setAttribute("aria-current", String(one.session === current));
        made.append(element("strong", "", one.customer || one.session), element("small", "", [one.state || "open", one.lines.findLast((line) => line.text)?.text].filter(Boolean).join(" · ")));
        made.addEventListener("click", () => { current = one.session; draw(); at("text").focus(); });
        return made;
    }));
    const one = list.find((one) => one.session === current);
    for (const id of ["bar", "lines", "form"]) at(id).hidden = !one;
    at("empty").hidden = Boolean(one);
    at("mood").value = shown.mood;
    at("refused").hidden = !shown.refused;
    at("refused").textContent = `${shown.refused} webhooks with a wrong signature were refused`;
    if (!one) return;
    at("about").textContent = `${one.customer} · ${one.state} · session ${one.session}`;
    at("close").disabled = one.state === "closed";
    const lines = at("lines");
    const stay = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 80;
    lines.replaceChildren(...one.lines.map(item));
    if (stay) lines.scrollTop = lines.scrollHeight;
}

function submit() {
    const text = at("text").value.trim();
    if (!text || !current) return;
    at("text").value = "";
    void post("./reply", { session: current, text, agent: at("agent").value });
}

at("form").addEventListener("submit", (event) => { event.preventDefault(); submit(); });
at("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
});
at("mood").addEventListener("change", () => post("./mood", { mood: at("mood").value }));
at("wait").addEventListener("click", () => post("./state", { session: current, state: "waiting" }));
at("close").addEventListener("click", () => post("./state", { session: current, state: "closed" }));
new EventSource("./events").addEventListener("message", ({ data }) => { shown = JSON.parse(data); draw(); });
