// A picture of somebody, or their initials in a colour of their own. The name stands beside it: nothing is said of it.

import type { CSSProperties } from "react";
import { hue, initials } from "../people/called.ts";

interface Props {
    user: string;
    name: string;
    picture?: string | undefined;
    /** Whether they are there; undefined: nothing is said of it. */
    online?: boolean | undefined;
    small?: boolean;
}

export function Avatar({ user, name, picture, online, small }: Props) {
    const style = { "--hue": String(hue(user)) } as CSSProperties;
    return (
        <span className={small ? "avatar small" : "avatar"} style={style} aria-hidden="true">
            {picture ? <img src={picture} alt="" loading="lazy" /> : <span>{initials(name)}</span>}
            {online !== undefined && <i className={online ? "dot on" : "dot"} />}
        </span>
    );
}
