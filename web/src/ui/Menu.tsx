// A menu: what can be chosen, reached with the arrows, Home, End and the first letter.

import type { ReactNode } from "react";
import { stepped } from "./beside.ts";
import { Icon, type IconName } from "./icons.tsx";
import { Popover } from "./Popover.tsx";

export interface Choice {
    icon?: IconName;
    label: string;
    /** The key that does the same where no menu is open. */
    key?: string;
    danger?: boolean;
    choose: () => void;
}

interface Props {
    at: HTMLElement;
    label: string;
    choices: readonly Choice[];
    /** What stands above the choices; its buttons are items of the menu, too. */
    head?: ReactNode;
    onClose: () => void;
}

export function Menu({ at, label, choices, head, onClose }: Props) {
    return (
        <Popover at={at} label={label} role="menu" className="menu" onClose={onClose} onKeyDown={moved}>
            {head}
            {choices.map(({ icon, label, key, danger, choose }) => (
                <button
                    key={label} type="button" role="menuitem" tabIndex={-1} className={danger ? "item danger" : "item"}
                    onClick={() => {
                        onClose();
                        choose();
                    }}
                >
                    {icon && <Icon name={icon} />}
                    <span>{label}</span>
                    {key && <kbd aria-hidden="true">{key}</kbd>}
                </button>
            ))}
        </Popover>
    );
}

function moved(event: KeyboardEvent, box: HTMLElement): void {
    const all = [...box.querySelectorAll<HTMLElement>("[role^=menuitem]")];
    const now = all.indexOf(document.activeElement as HTMLElement);
    const [on, back] = getComputedStyle(box).direction === "rtl" ? ["ArrowLeft", "ArrowRight"] : ["ArrowRight", "ArrowLeft"];
    const turned = event.key === on ? "ArrowDown" : event.key === back ? "ArrowUp" : event.key;
    const to = stepped(turned, now, all.length) ?? lettered(event.key, now, all);
    if (event.key === "Tab") event.preventDefault();
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    all[to]?.focus();
}

function lettered(key: string, now: number, all: readonly HTMLElement[]): number | null {
    if (key.length !== 1 || key === " ") return null;
    const from = all.slice(now + 1).concat(all.slice(0, now + 1));
    const found = from.find((one) => one.textContent?.trim().toLowerCase().startsWith(key.toLowerCase()));
    return found ? all.indexOf(found) : null;
}
