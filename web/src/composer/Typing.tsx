// Who else types, but for those whom one has blocked.

import { useChat } from "hubbub-sdk/react";
import { useBlocked } from "../people/blocks.ts";
import type { CalledBy } from "../people/called.ts";
import { typingWords } from "../people/who.ts";
import { Words } from "../ui/Words.tsx";

export function Typing({ users, called }: { users: readonly string[]; called: CalledBy }) {
    const blocked = useBlocked(useChat());
    return <p className="typing"><Words of={typingWords(users.filter((user) => !blocked.has(user)).map(called))} /></p>;
}
