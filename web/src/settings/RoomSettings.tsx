// The room's name, what it is about, and its rules: changed by its admins, read by all.

import { useState, type ReactNode } from "react";
import { ROOM_NAME_BYTES, ROOM_TOPIC_BYTES, type Settings } from "hubbub-sdk";
import { settingsNow } from "../people/people.ts";
import { useRoomView } from "../room/context.tsx";
import { Side } from "../room/Side.tsx";
import { settled } from "../timeline/lines.ts";

export function RoomSettings({ onClose }: { onClose: () => void }) {
    const { standing, deeds, room } = useRoomView();
    const now = settingsNow(standing);
    const admin = standing.role === "admin";
    const set = (settings: Settings) => deeds.do("change_room", { settings });
    return (
        <Side title="The room" onClose={onClose}>
            <div className="panel-scroll settings">
                {admin && !standing.direct && <Text label="Name" value={standing.name} most={ROOM_NAME_BYTES} onSaved={(name) => deeds.do("change_room", { name })} />}
                {admin && !standing.direct && <Text label="Topic" value={standing.topic} most={ROOM_TOPIC_BYTES} onSaved={(topic) => deeds.do("change_room", { topic })} />}
                {!admin && <ul className="rules">{settled(now).map((words) => <li key={words}>{words}</li>)}</ul>}
                {admin && (
                    <>
                        <h3>Rules</h3>
                        <Check label="Only moderators write (frozen)" is={now.frozen} onChange={(frozen) => set({ frozen })} />
                        <Check label="Nobody writes (archived)" is={now.archived} onChange={(archived) => set({ archived })} />
                        <Check label="Members read from when they joined" is={now.history_from === "joined"} onChange={(is) => set({ history_from: is ? "joined" : "all" })} />
                        <Check label="Members may pin" is={now.members_may.pin === true} onChange={(pin) => set({ members_may: { pin } })} />
                        <Check label="Members may mention everybody" is={now.members_may.mention_all === true} onChange={(mention_all) => set({ members_may: { mention_all } })} />
                        <Check label="Members may add people" is={now.members_may.invite === true} onChange={(invite) => set({ members_may: { invite } })} />
                        <Seconds name="slow_mode" label="Slow mode: seconds between messages" none="off" value={now.slow_mode} min={1} max={21_600} onSaved={(slow_mode) => set({ slow_mode })} />
                        <Seconds name="edit_window" label="Seconds to edit and delete" none="for ever" value={now.edit_window} min={0} max={31_536_000} onSaved={(edit_window) => set({ edit_window })} />
                    </>
                )}
                <p className="hint room-id">The room’s id is <code>{room.id}</code>.</p>
            </div>
        </Side>
    );
}

function Check({ label, is, onChange }: { label: string; is: boolean; onChange: (is: boolean) => void }) {
    return <label className="check"><input type="checkbox" checked={is} onChange={(event) => onChange(event.currentTarget.checked)} /> {label}</label>;
}

function Text({ label, value, most, onSaved }: { label: string; value: string; most: number; onSaved: (value: string) => void }) {
    return (
        <Saved value={value} onSaved={(text) => onSaved(text.trim())}>
            {(text, put) => <label className="field">{label}<input value={text} maxLength={most} dir="auto" onInput={(event) => put(event.currentTarget.value)} /></label>}
        </Saved>
    );
}

interface SecondsProps {
    name: string;
    label: string;
    none: string;
    value: number | null;
    min: number;
    max: number;
    onSaved: (value: number | null) => void;
}

function Seconds({ name, label, none, value, min, max, onSaved }: SecondsProps) {
    return (
        <Saved value={value === null ? "" : String(value)} onSaved={(text) => onSaved(text === "" ? null : Number(text))}>
            {(text, put) => (
                <label className="field">
                    {label}
                    <input name={name} type="number" min={min} max={max} placeholder={none} value={text} onInput={(event) => put(event.currentTarget.value)} />
                </label>
            )}
        </Saved>
    );
}

/** A field that is saved with its button, and follows the room while nobody writes in it. */
function Saved({ value, onSaved, children }: { value: string; onSaved: (value: string) => void; children: (text: string, put: (text: string) => void) => ReactNode }) {
    const [text, put] = useState<string | null>(null);
    const now = text ?? value;
    return (
        <form
            className="saved"
            onSubmit={(event) => {
                event.preventDefault();
                onSaved(now);
                put(null);
            }}
        >
            {children(now, put)}
            <button type="submit" disabled={now === value}>Save</button>
        </form>
    );
}
