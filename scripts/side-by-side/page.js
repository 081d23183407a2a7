// What the page shows: the instances with their buttons, who is on which, and what has just happened.

import { Person, Tally, Writers } from "./people.js";

const EVERY_MS = 200;
const WORDS = {
    serving: "serving", starting: "starting …", silent: "does not answer", ending: "being killed …", killed: "killed", ended: "not running",
};
const NEWS = { serving: "serves", starting: "is starting", silent: "does not answer", killed: "was killed", ended: "has ended" };

const people = [...document.querySelectorAll(".window")].map((section) => new Person(section));
const tally = new Tally(people);
const writers = new Writers(people);
/** By number. */
const instances = new Map();
const token = document.querySelector("meta[name=cluster-token]").content;

/** Writes only what is new, so that nothing is read out, or selected, in vain. */
function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
}

/** What has just happened, the newest last: seen by all, and read out once. */
const happened = [];
function tell(text) {
    happened.push(text);
    if (happened.length > 2) happened.shift();
    put(document.querySelector("#news"), happened.join(" "));
}

class Instance {
    constructor(number) {
        this.number = number;
        const row = document.querySelector("#instance").content.cloneNode(true).firstElementChild;
        const find = (selector) => row.querySelector(selector);
        Object.assign(this, { row, here: find(".here"), word: find(".word"), button: find("button"), state: null, busy: false });
        find(".name b").textContent = `Instance ${number}`;
        find(".heard").textContent = `instance ${number}`;
        this.button.addEventListener("click", () => this.#pressed());
        document.querySelector(".instances ul").append(row);
    }

    get runs() {
        return !["killed", "ended"].includes(this.state);
    }

    /** What the server says of it. */
    is({ address, pid, state }) {
        const before = this.state;
        Object.assign(this, { state, port: address.split(":").at(-1) });
        this.row.dataset.state = state;
        put(this.row.querySelector(".address"), address);
        put(this.word, WORDS[state]);
        this.row.querySelector(".state").title = this.runs ? `process ${pid}` : "";
        put(this.button.querySelector(".what"), this.runs ? "Kill" : "Start again");
        this.button.classList.toggle("danger", this.runs);
        if (before !== null && before !== state && NEWS[state]) tell(`Instance ${this.number} ${NEWS[state]}.`);
    }

    async #pressed() {
        if (this.busy) return;
        this.busy = true;
        this.button.setAttribute("aria-disabled", "true");
        const order = `${this.runs ? "kill" : "start"}/${this.number}`;
        try {
            shows(await ask(order, { method: "POST", headers: { "X-Cluster-Token": token } }));
        } catch (problem) {
            tell(`It was not done: ${problem.message}`);
        }
        this.busy = false;
        this.button.removeAttribute("aria-disabled");
    }
}

async function ask(what, how) {
    const answer = await fetch(what, how);
    if (!answer.ok) throw new Error((await answer.text()).trim());
    return answer.json();
}

function shows({ instances: all }) {
    for (const one of all) {
        if (!instances.has(one.number)) instances.set(one.number, new Instance(one.number));
        instances.get(one.number).is(one);
    }
}

/** Where somebody is, in words; the number of the instance, where that is known. */
function whereabouts({ instance, says }) {
    if (!says) return { words: "on an instance that its settings hide: “Show the instance, numbers and state” is turned off" };
    const on = [...instances.values()].find(({ port }) => port === instance);
    return on ? { number: on.number, words: `on instance ${on.number}` } : { words: "looks for an instance …" };
}

function looks() {
    for (const person of people) person.looks();
    tally.looks();
    for (const person of people) {
        const { number, words } = whereabouts(person);
        put(person.where, words);
        if (number && person.last && person.last !== number) tell(`${person.name} went over to instance ${number}.`);
        person.last = number ?? person.last;
        person.number = number;
        put(person.count, tally.words(people.find((other) => other !== person), person));
    }
    for (const { number, here } of instances.values()) {
        const who = people.filter((person) => person.number === number).map(({ name }) => name);
        put(here, who.length === 0 ? "" : `${who.join(" and ")} ${who.length === 1 ? "is" : "are"} here`);
    }
}

/** Keeps looking: at the windows, and at how the instances are. */
async function keeps() {
    try {
        shows(await ask("state"));
    } catch {
        // The cluster is being ended, or nginx is away: the windows say so themselves.
    }
    looks();
    setTimeout(keeps, EVERY_MS);
}

const writing = document.querySelector("#writing");
writing.addEventListener("click", () => {
    writers.turn(!writers.write);
    put(writing, writers.write ? "Stop writing" : "Let both write");
});

// Whoever is writing in a window and presses a button here writes on: the focus goes back into the window. By keyboard it stays on the button.
let written;
addEventListener("pointerdown", () => {
    written = document.activeElement instanceof HTMLIFrameElement ? document.activeElement : null;
});
addEventListener("click", ({ target, detail }) => {
    if (detail && target.closest("button")) written?.contentWindow.focus();
    written = null;
});

/** The theme that was chosen in one of the windows; otherwise the browser's. */
function dresses() {
    let theme;
    try {
        ({ theme } = JSON.parse(localStorage.getItem("hubbub settings")) ?? {});
    } catch {
        // What is there is none of ours.
    }
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
}

addEventListener("storage", dresses);
dresses();
keeps();
