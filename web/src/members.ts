// The panel of people: who is in the room, what they are, and the room's settings.

import { button, element, heard, part } from "./element.ts";
import type { Settings } from "./fold.ts";
import { moment, settled } from "./lines.ts";
import { morph } from "./morph.ts";
import { atLeast, outranks, ROLES, type Member, type Members, type Standing } from "./people.ts";

export interface MemberActions {
    role(user: string, role: string): void;
    mute(user: string, minutes: number): void;
    unmute(user: string): void;
    remove(user: string): void;
    settings(change: Settings): void;
}

const MUTE_MINUTES = 10;
/** What the room does where no `changed` says otherwise. */
const USUAL: Required<Settings> = {
    slow_mode: null,
    frozen: false,
    edit_window: null,
    members_may: { pin: false, mention_all: true, invite: false },
    history_from: "all",
};

export class MembersPanel {
    private readonly panel = part("side-people");

    constructor(private readonly actions: MemberActions) {
        heard(this.panel, (what, at) => {
            const user = at.closest<HTMLElement>("[data-user]")?.dataset["user"] ?? "";
            if (what === "mute") actions.mute(user, MUTE_MINUTES);
            if (what === "unmute") actions.unmute(user);
            if (what === "remove") actions.remove(user);
        });
        this.panel.addEventListener("change", ({ target }) => this.changed(target as HTMLInputElement | HTMLSelectElement));
    }

    show(members: Members, standing: Standing): void {
        const list = element("ul", "people");
        const sorted = [...members.values()].sort((one, other) => (one.user < other.user ? -1 : 1));
        for (const member of sorted) list.append(person(member, standing));
        const fresh = element("div", "", list, element("h3", "", "The room"), settingsOf(standing));
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
        if (user !== undefined) this.actions.role(user, value);
        else if (name === "frozen") this.actions.settings({ frozen: checked });
        else if (name === "history_from") this.actions.settings({ history_from: checked ? "joined" : "all" });
        else if (name === "slow_mode" || name === "edit_window")
            this.actions.settings({ [name]: value === "" ? null : Number(value) });
        else this.actions.settings({ members_may: { [name]: checked } });
    }
}

function person({ user, role }: Member, { me, role: mine, muted }: Standing): HTMLElement {
    const item = element("li", "", element("span", "user", user === me ? `${user} (you)` : user));
    item.dataset["user"] = user;
    if (mine === "admin") {
        const select = element("select", "") as HTMLSelectElement;
        select.setAttribute("aria-label", `What ${user} is`);
        select.dataset["is"] = role;
        for (const one of ROLES) select.append(new Option(one, one));
        item.append(select);
    } else {
        item.append(element("span", "role", role));
    }
    const until = muted.get(user);
    const isMuted = until !== undefined && Date.parse(until) > Date.now();
    if (isMuted) item.append(element("span", "role", `muted until ${moment(until)}`));
    if (user !== me && outranks(mine, role)) {
        if (isMuted) item.append(button("Unmute", "unmute", { "aria-label": `Let ${user} write again` }));
        else item.append(button(`Mute ${MUTE_MINUTES} min`, "mute", { "aria-label": `Mute ${user} for ${MUTE_MINUTES} minutes` }));
        item.append(button("Remove", "remove", { "aria-label": `Remove ${user} from the room` }));
    }
    return item;
}

function settingsOf({ role, settings }: Standing): HTMLElement {
    const now = { ...USUAL, ...settings, members_may: { ...USUAL.members_may, ...settings.members_may } };
    if (!atLeast(role, "admin")) return element("ul", "settings", ...settled(now).map((words) => element("li", "", words)));
    const number = (name: "slow_mode" | "edit_window", label: string) => field(name, label, "number", String(now[name] ?? ""));
    const check = (name: string, label: string, is: boolean | undefined) => field(name, label, "checkbox", String(is === true));
    return element(
        "div",
        "settings",
        check("frozen", "Frozen: only moderators write", now.frozen),
        number("slow_mode", "Slow mode: seconds between messages"),
        number("edit_window", "Seconds in which authors may edit"),
        check("pin", "Members may pin", now.members_may.pin),
        check("mention_all", "Members may mention everybody", now.members_may.mention_all),
        check("invite", "Members may add people", now.members_may.invite),
        check("history_from", "Members read from when they joined", now.history_from === "joined"),
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
