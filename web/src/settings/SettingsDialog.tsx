// How the page looks and what it tells of: kept in this browser.

import { useState } from "react";
import { Dialog } from "../ui/Dialog.tsx";
import { useKept } from "../ui/store.ts";
import { settings, type Theme } from "./settings.ts";

const THEMES: readonly (readonly [Theme, string])[] = [["system", "Same as the system"], ["light", "Light"], ["dark", "Dark"]];

export function SettingsDialog({ onClose }: { onClose: () => void }) {
    const { theme, notify, debug } = useKept(settings);
    const [problem, setProblem] = useState<string | null>(null);
    const notifies = async (is: boolean) => {
        setProblem(null);
        if (!is || typeof Notification === "undefined") return settings.change({ notify: false });
        const answer = await Notification.requestPermission();
        settings.change({ notify: answer === "granted" });
        if (answer !== "granted") setProblem("The browser does not let this page notify you. Its settings for this site say so.");
    };
    return (
        <Dialog title="Settings" onClose={onClose}>
            <fieldset>
                <legend>Colours</legend>
                {THEMES.map(([one, label]) => (
                    <label key={one} className="check"><input type="radio" name="theme" value={one} checked={theme === one} onChange={() => settings.change({ theme: one })} /> {label}</label>
                ))}
            </fieldset>
            <fieldset>
                <legend>Notifications</legend>
                <label className="check">
                    <input type="checkbox" checked={notify} onChange={(event) => void notifies(event.currentTarget.checked)} />
                    <span>Notify me of mentions and direct messages <span className="soft">while I do not look at the page</span></span>
                </label>
                {problem && <p className="error" role="alert">{problem}</p>}
            </fieldset>
            <fieldset>
                <legend>For developers</legend>
                <label className="check">
                    <input type="checkbox" name="debug" checked={debug} onChange={(event) => settings.change({ debug: event.currentTarget.checked })} />
                    <span>Show the instance, numbers and state <span className="soft">of the connection</span></span>
                </label>
            </fieldset>
        </Dialog>
    );
}
