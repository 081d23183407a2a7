// Who reacted to a message. Pure.

/** What `reactions` answers. */
export interface Reactors {
    reactions: readonly { reaction: string; user: string }[];
    /** There are more. */
    next?: unknown;
}

/** The people of each reaction, in the order in which they come, but for those whom one has blocked. */
export function byReaction({ reactions }: Reactors, blocked: ReadonlySet<string>): [reaction: string, users: string[]][] {
    const groups = new Map<string, string[]>();
    for (const { reaction, user } of reactions) if (!blocked.has(user)) groups.set(reaction, [...(groups.get(reaction) ?? []), user]);
    return [...groups];
}
