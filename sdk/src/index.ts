// What the SDK offers.

export { Chat, DRAFTS, type ChatOptions, type ConnectionSnapshot, type RoomsSnapshot } from "./chat.ts";
export { directLink, UnauthorizedError, type Access } from "./direct.ts";
export { fold, type Entry, type FoldedPage, type Reaction, type Replies, type Settings, type Shown } from "./fold.ts";
export { RECEIPTS_MEMBERS, ROOM_NAME_BYTES, ROOM_TOPIC_BYTES, TEXT_BYTES } from "./generated.ts";
export {
    DisconnectCode, ENTRY_TYPES, ErrorCode, isKnown, UnsubscribeCode, type Feature, type KnownEntry, type Method, type Methods, type OtherEntry,
} from "./generated.ts";
export { newKey } from "./keys.ts";
export { CallError, type Follower, type Hint, type Link, type LinkListener, type LinkState, type Position, type Signal, type Welcome } from "./link.ts";
export type { Sent } from "./outbox.ts";
export { Presence, type Seen } from "./presence.ts";
export { divided } from "./reading.ts";
export { seenBy, type Reads } from "./receipts.ts";
export type { Room } from "./room.ts";
export { Others } from "./rooms.ts";
export { MemoryStorage, type KeptDraft, type KeptRoom, type Storage } from "./storage.ts";
export type { Readable } from "./store.ts";
export { shownAs, type Draft, type Row, type Saying, type Timeline } from "./timeline.ts";
export { long, short, titled, type Counted, type Preferences, type Room as RoomRow } from "./unread.ts";
export { deleted, failure, mayRetry, moment, notYet, refusal, type Failure } from "./words.ts";
export type { Sending } from "./waiting.ts";
export type { RoomSnapshot, ThreadSnapshot } from "./snapshot.ts";
export { indexedDbStorage } from "./indexeddb.ts";
export { sharedLink, type Browser } from "./shared.ts";
