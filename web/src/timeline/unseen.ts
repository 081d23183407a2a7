// Reactions without those of people whom one has blocked. Pure.

import type { Reaction } from "hubbub-sdk";

/** Those that are left. A message names only some of many who reacted: of the others it is not known who they are, and they count. */
export function reactionsBut(reactions: readonly Reaction[], blocked: ReadonlySet<string>): readonly Reaction[] {
    if (!blocked.size || !reactions.some(({ users }) => users.some((user) => blocked.has(user)))) return reactions;
    return reactions.flatMap((one) => {
        const users = one.users.filter((user) => !blocked.has(user));
        const count = one.count - (one.users.length - users.length);
        return count > 0 ? [{ ...one, users, count }] : [];
    });
}
