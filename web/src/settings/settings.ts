// How this person has the page, in this browser.

import { forGood, Kept } from "../ui/store.ts";

export type Theme = "system" | "light" | "dark";

export interface Settings {
    theme: Theme;
    /** Tells of mentions and of direct messages while the page is not looked at. */
    notify: boolean;
    /** Shows which instance serves, the numbers of messages and the state of the connection. */
    debug: boolean;
}

/** The page is served with --dev alone: there the values are shown until somebody turns them off. */
export const settings = new Kept<Settings>("hubbub settings", { theme: "system", notify: false, debug: true }, forGood);

/** Has the page look so; `system` is what the browser says. */
export function dress(theme: Theme): void {
    if (theme === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
}
