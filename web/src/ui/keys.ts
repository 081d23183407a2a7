// Keys that mean something else while a character is being put together, as in Japanese or Chinese. Pure.

type Key = Pick<KeyboardEvent, "key" | "isComposing" | "keyCode" | "defaultPrevented">;

/** Whether the key is for what puts characters together. Safari says it by the old number alone. */
export function composes({ isComposing, keyCode }: Pick<Key, "isComposing" | "keyCode">): boolean {
    return isComposing || keyCode === 229;
}

/** Whether it closes what it is pressed in. */
export function closes(event: Key): boolean {
    return event.key === "Escape" && !event.defaultPrevented && !composes(event);
}
