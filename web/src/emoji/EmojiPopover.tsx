// The most usual emoji at once, all others once they are loaded, and a word where that is wanted.

import { lazy, Suspense, type ReactNode } from "react";
import { Popover } from "../ui/Popover.tsx";
import { QUICK } from "./quick.ts";

const Picker = lazy(() => import("./Picker.tsx"));

interface Props {
    at: HTMLElement;
    label: string;
    onChosen: (emoji: string) => void;
    onClose: () => void;
    children?: ReactNode;
}

export function EmojiPopover({ at, label, onChosen, onClose, children }: Props) {
    const choose = (emoji: string) => {
        onClose();
        onChosen(emoji);
    };
    return (
        <Popover at={at} label={label} className="emoji" onClose={onClose}>
            <div className="quick">
                {QUICK.map(([emoji, name]) => (
                    <button key={emoji} type="button" className="emoji-button" data-reaction={emoji} aria-label={name} title={name} onClick={() => choose(emoji)}>{emoji}</button>
                ))}
            </div>
            <Suspense fallback={<p className="soft">Loading …</p>}><Picker onChosen={choose} /></Suspense>
            {children}
        </Popover>
    );
}
