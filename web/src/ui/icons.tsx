// Small pictures on buttons; each button says in words what it does.

const paths = {
    menu: "M4 6h16M4 12h16M4 18h16",
    close: "M6 6l12 12M18 6L6 18",
    search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM20 20l-4-4",
    plus: "M12 5v14M5 12h14",
    pin: "M9 4h6l-1 6 4 3v2H6v-2l4-3zM12 15v5",
    people: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20a6 6 0 0 1 12 0M16 4.5a3.5 3.5 0 0 1 0 6.5M17.5 14a6 6 0 0 1 3.5 6",
    smile: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8.5 14.5a4 4 0 0 0 7 0M9 9.5h.01M15 9.5h.01",
    reply: "M9 7L4 12l5 5M4 12h10a6 6 0 0 1 6 6v1",
    thread: "M5 5h14v10H10l-5 4zM9 9h6M9 11.5h4",
    more: "M6 12h.01M12 12h.01M18 12h.01",
    send: "M4 12l16-8-6 16-3-6z",
    chevron: "M7 10l5 5 5-5",
    down: "M12 5v14M6 13l6 6 6-6",
    hash: "M9 4L7 20M17 4l-2 16M4 9h16M3.5 15h16",
    lock: "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
    person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM5 20a7 7 0 0 1 14 0",
    // Sliders: a wheel with rays looks like a sun, which is elsewhere the button for light and dark.
    settings: "M4 6h8M18 6h2M15 3.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM4 12h2M12 12h8M9 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM4 18h8M18 18h2M15 15.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
    book: "M12 6.5C10 5 7 4.5 4 5v13c3-.5 6 0 8 1.5 2-1.5 5-2 8-1.5V5c-3-.5-6 0-8 1.5zM12 6.5v13",
    bell: "M6 16v-5a6 6 0 0 1 12 0v5M4 16.5h16M10 20h4",
    muted: "M6 16v-5a6 6 0 0 1 1-3.3M9.5 5.5A6 6 0 0 1 18 11v3M4 16.5h12M10 20h4M4 4l16 16",
    unread: "M12 7a5 5 0 1 0 0 10 5 5 0 0 0 0-10z",
    eye: "M3 12c3-5 6-6.5 9-6.5s6 1.5 9 6.5c-3 5-6 6.5-9 6.5S6 17 3 12zM12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
    hidden: "M3 12c3-5 6-6.5 9-6.5s6 1.5 9 6.5c-3 5-6 6.5-9 6.5S6 17 3 12zM4 4l16 16",
    keyboard: "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M8 14h8",
    copy: "M9 9h10v11H9zM15 9V4H5v11h4",
    edit: "M5 19l1-4L16 5l3 3L9 18zM14 7l3 3",
    trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
    check: "M5 13l4 4L19 7",
    clock: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2",
    warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
} as const;

export type IconName = keyof typeof paths;

/** They point where the text goes, or back: in the other direction of writing they are turned. */
const TURNED: ReadonlySet<IconName> = new Set(["reply", "send"]);

export function Icon({ name }: { name: IconName }) {
    return (
        <svg className={TURNED.has(name) ? "icon turned" : "icon"} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
            <path d={paths[name]} />
        </svg>
    );
}

interface ButtonProps {
    icon: IconName;
    label: string;
    onClick: (event: { currentTarget: HTMLButtonElement }) => void;
    className?: string;
    [aria: `aria-${string}`]: string | boolean | undefined;
    "data-do"?: string;
    tabIndex?: number;
    disabled?: boolean;
}

/** A button that is a picture, with its words for who hears the page or points at it. */
export function IconButton({ icon, label, onClick, className = "", ...rest }: ButtonProps) {
    return (
        <button type="button" className={`icon-button ${className}`} title={label} aria-label={label} onClick={onClick} {...rest}>
            <Icon name={icon} />
        </button>
    );
}
