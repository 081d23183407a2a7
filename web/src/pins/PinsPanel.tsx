// What is pinned to the room.

import type { Doings } from "../room/actions.ts";
import { useRoomView, useShown } from "../room/context.tsx";
import { Side } from "../room/Side.tsx";
import { useRow } from "../timeline/Row.tsx";

const NONE: ReadonlyMap<number, string> = new Map();

export function PinsPanel({ doings, onClose }: { doings: Doings; onClose: () => void }) {
    const view = useRoomView();
    const pins = useShown((now) => now.pins);
    const render = useRow(view, "pins", doings.at.pins, NONE, null);
    return (
        <Side title="Pinned messages" onClose={onClose}>
            <div className="panel-scroll">
                {!pins.length && <p className="hint">Nothing is pinned here. Pin a message from its menu, and everybody finds it again.</p>}
                {pins.map((entry) => (
                    <div key={entry.seq}>{render({ kind: "message", key: `pin ${entry.seq}`, entry, first: true })}</div>
                ))}
            </div>
        </Side>
    );
}
