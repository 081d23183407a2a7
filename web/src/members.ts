// The panel of people: who is in the room, what they are, and the room's settings.

import { bdi, button, element, heard, part } from "./element.ts";
import type { Settings } from "../../sdk/src/fold.ts";
import { moment } from "../../sdk/src/words.ts";
import { settled } from "./lines.ts";
import { morph } from "./morph.ts";
import { isolated } from "./names.ts";
import type { Seen } from "../../sdk/src/presence.ts";
import { presenceWords } from "./who.ts";
import { atLeast, mayAdd, outranks, ROLES, type Member, type Members, type Standing } from "./people.ts";

export interface MemberActions {
    role(user: string, role: string): void;
    mute(user: string, minutes: number): void;
    unmute(user: string): void;
    remove(user: string): void;
    settings(change: Settings): void;
    rename(name: string): void;
}

const MUTES: [minutes: number, label: string][] = [
    [10, "10 minutes"],
    [60, "1 hour"],
    [8 * 60, "8 hours"],
    [24 * 60, "1 day"],
    [7 * 24 * 60, "1 week"],
    [30 * 24 * 60, "30 days"],
];
/** What the room does where no `changed` says otherwise. */
const USUAL: Required<Settings> = {
    slow_mode: null,
    frozen: false,
    edit_window: null,
    members_may: { pin: false, mention_all: true, invite: false },
    history_from: "all",
    archived: false,
};

export class MembersPanel {
    private readonly panel = part("side-people");

    constructor(private readonly actions: MemberActions) {
        heard(this.panel, (what, at) => {
            const user = at.closest<HTMLElement>("[data-user]")?.dataset["user"] ?? "";
            if (what === "unmute") actions.unmute(user);
            if (what === "remove") actions.remove(user);
            if (what === "ban") actions.role(user, "banned");
        });
        this.panel.addEventListener("submit", (event) => {
            event.preventDefault();
            const name = this.panel.querySelector<HTMLInputElement>("[name=added]")!;
            const role = this.panel.querySelector<HTMLSelectElement>("[name=added_role]")!;
            if (name.value.trim()) actions.role(name.value.trim(), role.value);
            name.value = "";
        });
        this.panel.addEventListener("change", ({ target }) => this.changed(target as HTMLInputElement | HTMLSelectElement));
    }

    show(members: Members, standing: Standing, seen: ReadonlyMap<string, Seen>): void {
        const list = element("ul", "people");
        const sorted = [...members.values()].sort((one, other) => (one.user < other.user ? -1 : 1));
        for (const member of sorted) list.append(person(member, standing, seen.get(member.user)));
        const roles = mayAdd(standing);
        const fresh = element("div", "", list, ...(roles.length ? [added(roles)] : []), element("h3", "", "The room"), settingsOf(standing));
        fresh.id = this.panel.id;
        morph(this.panel, fresh);
        // What is set, where nobody is at it.
        for (const input of this.panel.querySelectorAll<HTMLInputElement | HTMLSelectElement>("[data-is]")) {
            const is = input.dataset["is"] ?? "";
            if (input.type === "checkbox") (input as HTMLInputElement).checked = is === "true";
            else if (input !== document.activeElement || input instanceof HTMLSelectElement) input.value = is;
        }
    }

    clear(): void {
        this.panel.replaceChildren();
    }

    private changed(input: HTMLInputElement | HTMLSelectElement): void {
        const { name, value } = input;
        const user = input.closest<HTMLElement>("[data-user]")?.dataset["user"];
        const checked = input instanceof HTMLInputElement && input.checked;
        if (name.startsWith("added")) return;
        if (name === "mute" && user !== undefined) {
            input.value = "";
            this.actions.mute(user, Number(value));
        } else if (user !== undefined) this.actions.role(user, value);
        else if (name === "name") this.actions.rename(value.trim());
        else if (name === "frozen" || name === "archived") this.actions.settings({ [name]: checked });
        else if (name === "history_from") this.actions.settings({ history_from: checked ? "joined" : "all" });
        else if (name === "slow_mode" || name === "edit_window")
            this.actions.settings({ [name]: value === "" ? null : Number(value) });
        else this.actions.settings({ members_may: { [name]: checked } });
    }
}

function person({ user, role }: Member, { me, role: mine, muted }: Standing, seen: Seen | undefined): HTMLElement {
    const label = isolated(user);
    const item = element("li", "", element("span", "user", bdi(user), user === me ? " (you)" : ""));
    item.dataset["user"] = user;
    const there = presenceWords(seen, Date.now());
    if (there) item.append(element("span", seen?.online ? "presence online" : "presence", there));
    if (mine === "admin") item.append(choice("role", `What ${label} is`, role, ROLES.map((one) => [one, one])));
    else item.append(element("span", "role", role));
    const until = muted.get(user);
    const isMuted = until !== undefined && Date.parse(until) > Date.now();
    if (isMuted) item.append(element("span", "role", `muted until ${moment(until)}`));
    if (user !== me && outranks(mine, role)) {
        if (isMuted) item.append(button("Unmute", "unmute", { "aria-label": `Let ${label} write again` }));
        const times = MUTES.map(([minutes, time]): [string, string] => [String(minutes), `for ${time}`]);
        item.append(choice("mute", `Mute ${label}`, "", [["", "Mute …"], ...times]));
        item.append(button("Remove", "remove", { "aria-label": `Remove ${label} from the room` }));
        item.append(button("Ban", "ban", { "aria-label": `Ban ${label} from the room` }));
    }
    return item;
}

function choice(name: string, label: string, is: string, all: readonly (readonly [string, string])[]): HTMLElement {
    const select = element("select", name) as HTMLSelectElement;
    select.name = name;
    select.setAttribute("aria-label", label);
    select.dataset["is"] = is;
    for (const [value, words] of all) select.append(new Option(words, value));
    return select;
}

/** Somebody is added, or let in again after a ban. */
function added(roles: readonly string[]): HTMLElement {
    const input = element("input", "") as HTMLInputElement;
    input.name = "added";
    input.placeholder = "Somebody's id";
    input.setAttribute("aria-label", "The id of somebody to be added");
    const select = choice("added_role", "As what", roles[0] ?? "", roles.map((one) => [one, one]));
    delete select.dataset["is"];
    return element("form", "another", input, select, element("button", "small", "Add"));
}

function settingsOf({ role, settings, name }: Standing): HTMLElement {
    const now = { ...USUAL, ...settings, members_may: { ...USUAL.members_may, ...settings.members_may } };
    if (!atLeast(role, "admin")) return element("ul", "settings", ...settled(now).map((words) => element("li", "", words)));
    const number = (name: "slow_mode" | "edit_window", label: string) => field(name, label, "number", String(now[name] ?? ""));
    const check = (name: string, label: string, is: boolean | undefined) => field(name, label, "checkbox", String(is === true));
    return element(
        "div",
        "settings",
        field("name", "Name", "text", name),
        check("frozen", "Frozen: only moderators write", now.frozen),
        number("slow_mode", "Slow mode: seconds between messages"),
        number("edit_window", "Seconds in which authors may edit"),
        check("pin", "Members may pin", now.members_may.pin),
        check("mention_all", "Members may mention everybody", now.members_may.mention_all),
        check("invite", "Members may add people", now.members_may.invite),
        check("history_from", "Members read from when they joined", now.history_from === "joined"),
        check("archived", "Archived: nobody writes", now.archived),
    );
}

function field(name: string, label: string, type: string, is: string): HTMLElement {
    const input = element("input", "") as HTMLInputElement;
    input.name = name;
    input.type = type;
    input.dataset["is"] = is;
    if (type === "number") input.min = "0";
    return element("label", "", input, label);
}
