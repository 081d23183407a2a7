// Made from the server's own description by a test: `UPDATE_DOCS=1 cargo test -p hubbub --lib typescript`. Do not edit.
// What methods do, and what else there is to know of them, stands in docs/protocol.md.

/** What every entry has. */
export interface EntryHead {
    /** When the store took it. */
    at: string;
    /** Who wrote it. */
    from: string;
    /** The same everywhere: a UUID of version 7. */
    id: string;
    /** By it a repeat of the request is known: the sender's, or one that the server made. */
    key: string;
    /** The room. */
    room: string;
    /** Its number in the room. */
    seq: number;
}

/** One POST and what came of it. */
export interface AttemptView {
    /** When it began. */
    at: string;
    /** What kind of thing it met: taken, down, throttled, credentials, refused or gone. */
    class?: string;
    /** What went wrong. */
    error?: string;
    /** Which instance made it. */
    instance: string;
    /** The status of the answer. */
    status?: number;
    /** How long it took, in milliseconds. */
    took_ms: number;
}

/** `user` was banned, and may neither read nor join. */
export interface BannedEntry extends EntryHead {
    /** The kind. */
    type: "banned";
    /** Whom it is about. */
    user: string;
}

/** Somebody who is blocked. */
export interface BlockView {
    /** Since when. */
    at: string;
    /** Who. */
    user: string;
}

/** Some of them. */
export interface BlocksPage {
    /** By id. */
    blocks: readonly BlockView[];
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
}

/** These settings of the room have these values now. */
export interface ChangedEntry extends EntryHead {
    /** What the product keeps with the room; `null`: nothing. */
    data?: unknown;
    settings: SettingsChange;
    /** What the room is about; empty: nothing. */
    topic?: string;
    /** The kind. */
    type: "changed";
}

/** What became of a membership or a name. */
export interface ChangedView {
    /** The room. */
    room: string;
    /** The entry that says so; absent where things were so already. */
    seq?: number;
}

/** How many there are of something that is counted so far and no further. */
export interface CountedView {
    /** So many, at most 999. */
    count: number;
    /** There are more, or may be; absent where these are all. */
    more?: boolean;
}

/** The message `target` was deleted; its content and that of its edits is blanked. */
export interface DeletedEntry extends EntryHead {
    /** Who had written it. */
    author?: string;
    /** Its edits, which are blanked, too. */
    edits?: readonly number[];
    /** It was shown in the room although it was in a thread. */
    in_room?: boolean;
    /** The message that it is about. */
    target: number;
    /** The message whose thread it was in. */
    thread?: number;
    /** The kind. */
    type: "deleted";
}

/** A session, as an operator sees it. */
export type DeliveryView = SessionView & { attempts: readonly AttemptView[]; blocked: boolean; called?: readonly string[]; counted: number; customer_is?: string; disabled: boolean; due_at?: string; external_before?: readonly string[]; external_outcome?: string; external_shared_with?: readonly string[]; refs?: Record<string, string>; sent?: readonly SentView[]; waiting_since?: string };

/** The message `target` says this now, and nothing else of what it said. */
export interface EditedEntry extends EntryHead {
    /** What the product has put beside the text: any JSON. */
    data?: unknown;
    /** Its content was blanked. */
    gone?: boolean;
    /** Everybody is mentioned. */
    mention_all?: boolean;
    /** The members who are mentioned. */
    mentions?: readonly string[];
    /** The message that it is about. */
    target: number;
    /** What is said. It may be empty where there is `data`; absent where it is gone. */
    text?: string;
    /** The kind. */
    type: "edited";
}

/** From where on members read. */
export type HistoryFrom = "all" | "joined";

/** An invitation. */
export interface InviteView {
    /** When. */
    at: string;
    /** By whom. */
    by: string;
    /** Until when it waits. */
    expires_at: string;
    /** What kind of room */
    kind?: "open" | "private" | "direct";
    /** The room's name. */
    name?: string;
    /** The room. */
    room: string;
    /** Who is invited. */
    user: string;
}

/** Some of them. */
export interface InvitesPage {
    /** By the room's id. */
    invites: readonly InviteView[];
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
}

/** `user` became a member, or has another role. */
export interface JoinedEntry extends EntryHead {
    /** As what; in what is asked, a member where nothing is said */
    role: "reader" | "member" | "moderator" | "admin";
    /** The kind. */
    type: "joined";
    /** Whom it is about. */
    user: string;
}

/** What holds now. */
export interface LastSeenView {
    /** Whether it is shown. */
    shown: boolean;
}

/** `user` left or was removed by `from`, or a ban was lifted. */
export interface LeftEntry extends EntryHead {
    /** The kind. */
    type: "left";
    /** Whom it is about. */
    user: string;
}

/** A member. */
export interface MemberView {
    /** What the product says about the user. */
    info?: unknown;
    /** Until when they are muted; absent where they are not. */
    muted_until?: string;
    /** As what; `banned` in a list of those */
    role?: "reader" | "member" | "moderator" | "admin" | "banned";
    /** The entry that made it so. */
    since: number;
    /** Who. */
    user: string;
}

/** Some of what members may do. */
export interface MembersMayChange {
    /** Add members and readers; false: admins do. */
    invite?: boolean;
    /** Mention everybody; false: moderators do. */
    mention_all?: boolean;
    /** Pin and unpin messages; false: moderators do. */
    pin?: boolean;
}

/** Some of a room's members. */
export interface MembersView {
    /** The members, by id. */
    members: readonly MemberView[];
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
}

/** `from` said something. */
export interface MessageEntry extends EntryHead {
    /** What the product has put beside the text: any JSON. */
    data?: unknown;
    /** On pages: when it was edited last. */
    edited_at?: string;
    /** Its content was blanked. */
    gone?: boolean;
    /** It is shown in the room although it is in a thread. */
    in_room?: boolean;
    /** Everybody is mentioned. */
    mention_all?: boolean;
    /** The members who are mentioned. */
    mentions?: readonly string[];
    /** On pages: it is pinned. */
    pinned?: boolean;
    /** On pages: its reactions, in the order in which the first of each came. */
    reactions?: readonly ReactionShown[];
    replies?: Replies;
    /** The message that it answers. */
    reply_to?: number;
    /** What is said. It may be empty where there is `data`; absent where it is gone. */
    text?: string;
    /** The message whose thread it is in. */
    thread?: number;
    /** The kind. */
    type: "message";
}

/** `user` may read and not write until then, or may write again. */
export interface MutedEntry extends EntryHead {
    /** The kind. */
    type: "muted" | "unmuted";
    /** Until when; absent where they may write again. */
    until?: string;
    /** Whom it is about. */
    user: string;
}

/** The answer of a method that has nothing to tell: `{}`, over REST no body. */
export type Nothing = Record<string, never>;

/** Some users, in the order in which they were named. */
export interface OnlineView {
    /** The users. */
    users: readonly SeenView[];
}

/** A support session was opened, or opened again; its customer waits for an agent; it has ended. */
export interface OpenedEntry extends EntryHead {
    /** The kind. */
    type: "opened" | "waiting" | "closed";
}

/** An entry of a kind that a later version has: pass it over. */
export interface OtherEntry extends EntryHead {
    /** A kind that is not among the others. */
    type: string;
    [member: string]: unknown;
}

/** The message `target` was pinned to the room, or is pinned no more. A deletion unpins without saying so. */
export interface PinnedEntry extends EntryHead {
    /** The message that it is about. */
    target: number;
    /** The kind. */
    type: "pinned" | "unpinned";
}

/** Some of them. */
export interface PreferencesPage {
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
    /** By the room's id. */
    preferences: readonly PreferencesView[];
}

/** How a room is shown to somebody. */
export interface PreferencesView {
    /** Whether it is left out. */
    hidden: boolean;
    /** What they are told of: `all`, `mentions` or `nothing`. */
    notify: string;
    /** Whether it stands before the others. */
    pinned: boolean;
    /** The room. */
    room: string;
    /** Where unread begins, whatever the mark says; absent where nothing is said. */
    unread_from?: number;
}

/** `from` added a reaction to the message `target`, or took it back. */
export interface ReactedEntry extends EntryHead {
    /** The emoji or word. */
    reaction: string;
    /** The message that it is about. */
    target: number;
    /** The kind. */
    type: "reacted" | "unreacted";
}

/** A reaction on a message. */
export interface ReactionShown {
    /** How many people have added it. */
    count: number;
    /** Whether the reader has. */
    me: boolean;
    /** The emoji or word. */
    reaction: string;
    /** Some of them, at most `REACTION_SAMPLE`. */
    users: readonly string[];
}

/** Some of who has reacted to a message. */
export interface ReactionsView {
    /** The seq up to which everything is in it. */
    as_of: number;
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
    /** Reactions, by their bytes and then by user. */
    reactions: readonly ReactorView[];
}

/** Somebody's reaction. */
export interface ReactorView {
    /** The emoji or word. */
    reaction: string;
    /** The entry that says so. */
    seq: number;
    /** Who. */
    user: string;
}

/** A mark. */
export interface ReadView {
    /** The room. */
    room: string;
    /** The last entry that was read. */
    seq: number;
}

/** How far the members of a room have read. */
export interface ReadsView {
    /** Those who have said so, by id. */
    reads: readonly ReceiptView[];
}

/** How far somebody has read. */
export interface ReceiptView {
    /** When they said so. */
    at: string;
    /** Up to which entry. */
    seq: number;
    /** Who. */
    user: string;
}

/** The room has another name. */
export interface RenamedEntry extends EntryHead {
    /** The name. */
    name: string;
    /** The kind. */
    type: "renamed";
}

/** A thread, at its root. */
export interface Replies {
    /** How many replies there are; those that were deleted are left out. */
    count: number;
    /** The newest reply, also where that was deleted. */
    last: number;
    /** When that came. */
    last_at: string;
    /** Some who have written in it, at most `THREAD_SAMPLE`, the latest first. */
    users: readonly string[];
}

/** A report. */
export interface ReportView {
    /** When. */
    at: string;
    /** Who reports it. */
    from: string;
    /** Why, in their words. */
    reason: string;
    /** Its number. */
    report: number;
    /** The room. */
    room: string;
    /** When it was settled or dismissed. */
    settled_at?: string;
    /** By whom. */
    settled_by?: string;
    /** Where it stands: `open`, `settled` or `dismissed`. */
    state: string;
    /** The seq of the message. */
    target: number;
}

/** Some of them. */
export interface ReportsPage {
    /** Ask for those `after` this one; absent on the last page. */
    next?: number;
    /** By number. */
    reports: readonly ReportView[];
}

/** A room. */
export interface RoomView {
    /** When something has last happened there, where all rooms are listed. */
    active_at?: string;
    /** What the product keeps with it. */
    data?: Record<string, never>;
    /** What the numbers count in. */
    epoch: string;
    /** The first seq that is kept. */
    floor: number;
    /** The last seq. */
    head: number;
    /** Its id. */
    id: string;
    /** What kind of room */
    kind: "open" | "private" | "direct";
    last?: Entry;
    mentions?: CountedView;
    /** For people. */
    name: string;
    preferences?: ShownAs;
    /** How far the asker has read: the mark. This and what follows is there where it is asked for. */
    read?: number;
    /** As what; in what is asked, a member where nothing is said */
    role?: "reader" | "member" | "moderator" | "admin";
    settings?: SettingsChange;
    /** What it is about, for people; absent where nothing is said. */
    topic?: string;
    unread?: CountedView;
}

/** Some of a user's rooms. */
export interface RoomsView {
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
    /** The rooms, by id. */
    rooms: readonly RoomView[];
}

/** A user, as another sees them. */
export interface SeenView {
    /** When they last were, to the minute; absent where it is not known, or not shown. */
    last_seen?: string;
    /** Whether they are connected now. */
    online: boolean;
    /** Who. */
    user: string;
}

/** A message as the portal has it. */
export interface SentView {
    /** The portal's id of it, or of a part of it. */
    id: string;
    /** The entry. */
    seq: number;
}

/** A session, as its customer sees it. */
export interface SessionView {
    /** Its customer. */
    customer: string;
    /** The portal has not taken what comes after `forwarded` at the first try; it is tried again. */
    delayed: boolean;
    /** What the numbers count in. */
    epoch: string;
    /** The portal's own id of the conversation, once it is known. */
    external?: string;
    /** The numbers that were given up on and not delivered since. */
    failed: readonly number[];
    /** The last seq that the portal has, that was not for it, or that is in `failed`. */
    forwarded: number;
    /** The last seq. */
    head: number;
    /** Its id: that of the room. */
    id: string;
    /** For people. */
    name: string;
    /** Its portal. */
    portal: string;
    /** open, waiting or closed. */
    state: string;
}

/**
 * Some of the settings, as they are to become: what a request and an entry `changed` say. What is absent stays as it
 * is; `null` takes a limit away.
 */
export interface SettingsChange {
    /** Whether nobody writes, nor changes anything of the room but this. */
    archived?: boolean;
    /** Seconds for which an author may edit and delete a message: 0 (never) to 31,536,000; null: for ever. */
    edit_window?: number | null;
    /** Whether only moderators write. */
    frozen?: boolean;
    history_from?: HistoryFrom;
    members_may?: MembersMayChange;
    /**
     * A member writes one message in so many seconds: 1 to 21,600; null: as many as they like. Moderators are exempt.
     */
    slow_mode?: number | null;
}

/** How a room is shown to somebody. */
export interface ShownAs {
    /** Whether it is left out. */
    hidden: boolean;
    /** What they are told of: `all`, `mentions` or `nothing`. */
    notify: string;
    /** Whether it stands before the others. */
    pinned: boolean;
    /** Where unread begins, whatever the mark says; absent where nothing is said. */
    unread_from?: number;
}

/** What people read, as it is now. */
export interface ShownView {
    /** The seq up to which everything is in what is shown: who folds later entries into it skips those up to here. */
    as_of: number;
    /** Messages and lines, ascending, each as its entry, with what became of it. */
    entries: readonly Entry[];
    /** What the numbers count in. */
    epoch: string;
    /** The first seq that may be read. */
    floor: number;
    /** The last seq of the room. */
    head: number;
}

/** What is unread in a room. */
export interface UnreadRoomView {
    /** The last seq. */
    head: number;
    /** Of these, and of those in threads, which mention the reader. */
    mentions: CountedView;
    /** How far it was read: the mark. */
    read: number;
    /** The room. */
    room: string;
    /** Messages that are unread. */
    unread: CountedView;
}

/** Some of the rooms in which a user has something unread. */
export interface UnreadView {
    /** Ask for those `after` this one; absent on the last page. */
    next?: string;
    /** The rooms, by id; those without anything unread are left out. */
    rooms: readonly UnreadRoomView[];
}

/** One or several. */
export type With = string | readonly string[];

/** Where an entry went. */
export interface WrittenView {
    /** When the store took it. */
    at?: string;
    /** The epoch that the number belongs to: it changes when a backup is restored. */
    epoch?: string;
    /** The entry's id, a UUID. This and what follows is absent where things were as asked already. */
    id?: string;
    /** The room. */
    room: string;
    /** The entry's number in the room. */
    seq?: number;
}

/** An entry of a kind that is known here: `type` says which. */
export type KnownEntry =
    | MessageEntry
    | JoinedEntry
    | LeftEntry
    | BannedEntry
    | RenamedEntry
    | OpenedEntry
    | EditedEntry
    | DeletedEntry
    | ReactedEntry
    | PinnedEntry
    | MutedEntry
    | ChangedEntry;

/** An entry of a room's log. Its `type` says of which kind it is; later versions have more kinds. */
export type Entry = KnownEntry | OtherEntry;

/** The kinds that are known here. */
export const ENTRY_TYPES: readonly KnownEntry["type"][] = [
    "message",
    "joined",
    "left",
    "banned",
    "renamed",
    "opened",
    "waiting",
    "closed",
    "edited",
    "deleted",
    "reacted",
    "unreacted",
    "pinned",
    "unpinned",
    "muted",
    "unmuted",
    "changed",
];

/** Whether an entry is of a kind that is known here; pass over the others. */
export function isKnown(entry: Entry): entry is KnownEntry {
    return (ENTRY_TYPES as readonly string[]).includes(entry.type);
}

/** `data` of `send`. */
export interface SendData {
    /** Any JSON but null. */
    data?: unknown;
    /** Whether it is shown in the room although it is in a thread. */
    in_room?: boolean;
    /** What makes it happen once: make one per message, keep it for every attempt. */
    key?: string;
    /** Whether everybody is mentioned. */
    mention_all?: boolean;
    /** Who is mentioned: members, in no order. */
    mentions?: readonly string[];
    /** The message that this answers. */
    reply_to?: number;
    room: string;
    /** What is said. This, `data` or both. */
    text?: string;
    /** The message whose thread this is in. */
    thread?: number;
}

/** `data` of `edit`. */
export interface EditData {
    data?: unknown;
    key?: string;
    mention_all?: boolean;
    mentions?: readonly string[];
    room: string;
    target: number;
    text?: string;
}

/** `data` of `delete`. */
export interface DeleteData {
    /** What makes it happen once. */
    key?: string;
    /** The room. */
    room: string;
    /** The message. */
    target: number;
}

/** `data` of `react`. */
export interface ReactData {
    key?: string;
    reaction: string;
    room: string;
    target: number;
}

/** `data` of `unreact`. */
export interface UnreactData {
    key?: string;
    reaction: string;
    room: string;
    target: number;
}

/** `data` of `pin`. */
export interface PinData {
    /** What makes it happen once. */
    key?: string;
    /** The room. */
    room: string;
    /** The message. */
    target: number;
}

/** `data` of `unpin`. */
export interface UnpinData {
    /** What makes it happen once. */
    key?: string;
    /** The room. */
    room: string;
    /** The message. */
    target: number;
}

/** `data` of `messages`. */
export interface MessagesData {
    after?: number;
    around?: number;
    before?: number;
    limit?: number;
    room: string;
}

/** `data` of `message`. */
export interface MessageData {
    room: string;
    seq: number;
}

/** `data` of `thread`. */
export interface ThreadData {
    after?: number;
    around?: number;
    before?: number;
    limit?: number;
    room: string;
    root: number;
}

/** `data` of `reactions`. */
export interface ReactionsData {
    after?: string;
    limit?: number;
    reaction?: string;
    room: string;
    target: number;
}

/** `data` of `pins`. */
export interface PinsData {
    after?: number;
    around?: number;
    before?: number;
    limit?: number;
    room: string;
}

/** `data` of `typing`. */
export interface TypingData {
    room: string;
    thread?: number;
}

/** `data` of `rooms`. */
export interface RoomsData {
    after?: string;
    limit?: number;
    unread?: boolean;
}

/** `data` of `read`. */
export interface ReadData {
    room: string;
    seq: number;
}

/** `data` of `unread`. */
export interface UnreadData {
    after?: string;
    limit?: number;
}

/** `data` of `reads`. */
export interface ReadsData {
    /** The room. */
    room: string;
}

/** `data` of `create_room`. */
export interface CreateRoomData {
    /** What the room is to be called by; the server makes an id of it. Not for direct rooms. */
    id?: string;
    /** What kind of room */
    kind: "open" | "private" | "direct";
    /** Who else is a member of it from the beginning. */
    members?: readonly string[];
    /** For people. Not for direct rooms. */
    name?: string;
    with?: With;
}

/** `data` of `join`. */
export interface JoinData {
    /** The room. */
    room: string;
}

/** `data` of `leave`. */
export interface LeaveData {
    /** The room. */
    room: string;
}

/** `data` of `members`. */
export interface MembersData {
    after?: string;
    /** Who is banned, instead of the members. */
    banned?: boolean;
    limit?: number;
    room: string;
}

/** `data` of `change_room`. */
export interface ChangeRoomData {
    /** Any JSON object; `null` takes it away. */
    data?: unknown;
    key?: string;
    name?: string;
    room: string;
    settings?: SettingsChange;
    topic?: string;
}

/** `data` of `set_role`. */
export interface SetRoleData {
    key?: string;
    /** As what; in what is asked, a member where nothing is said */
    role: "reader" | "member" | "moderator" | "admin";
    room: string;
    user: string;
}

/** `data` of `hand_over`. */
export interface HandOverData {
    key?: string;
    /** What `from` is from then on */
    role?: "reader" | "member" | "moderator";
    room: string;
    user: string;
}

/** `data` of `remove_member`. */
export interface RemoveMemberData {
    /** What makes it happen once. */
    key?: string;
    /** The room. */
    room: string;
    /** Who. */
    user: string;
}

/** `data` of `mute`. */
export interface MuteData {
    key?: string;
    room: string;
    until?: string;
    user: string;
}

/** `data` of `unmute`. */
export interface UnmuteData {
    /** What makes it happen once. */
    key?: string;
    /** The room. */
    room: string;
    /** Who. */
    user: string;
}

/** `data` of `online`. */
export interface OnlineData {
    users: readonly string[];
}

/** `data` of `last_seen`. */
export interface LastSeenData {
    shown: boolean;
}

/** `data` of `set_preferences`. */
export interface SetPreferencesData {
    hidden?: boolean;
    notify?: string;
    pinned?: boolean;
    room: string;
    /** From which message on the room is shown as unread; `null` takes that back. */
    unread_from?: number | null;
}

/** `data` of `preferences`. */
export interface PreferencesData {
    after?: string;
    limit?: number;
}

/** `data` of `block`. */
export interface BlockData {
    /** Who. */
    user: string;
}

/** `data` of `unblock`. */
export interface UnblockData {
    /** Who. */
    user: string;
}

/** `data` of `blocks`. */
export interface BlocksData {
    after?: string;
    limit?: number;
}

/** `data` of `invite`. */
export interface InviteData {
    room: string;
    user: string;
}

/** `data` of `invites`. */
export interface InvitesData {
    after?: string;
    limit?: number;
}

/** `data` of `accept_invite`. */
export interface AcceptInviteData {
    key?: string;
    room: string;
}

/** `data` of `decline_invite`. */
export interface DeclineInviteData {
    /** The room. */
    room: string;
}

/** `data` of `withdraw_invite`. */
export interface WithdrawInviteData {
    room: string;
    user: string;
}

/** `data` of `report`. */
export interface ReportData {
    reason?: string;
    room: string;
    target: number;
}

/** `data` of `reports`. */
export interface ReportsData {
    after?: number;
    limit?: number;
    room: string;
    state?: string;
}

/** `data` of `settle_report`. */
export interface SettleReportData {
    report: number;
    room: string;
    state: string;
}

/** `data` of `open_session`. */
export interface OpenSessionData {
    id?: string;
    name?: string;
    portal: string;
}

/** `data` of `session`. */
export interface SessionData {
    /** The room. */
    room: string;
}

/** `data` of `close_session`. */
export interface CloseSessionData {
    /** The room. */
    room: string;
}

/** The methods of `rpc`: what is asked and what is answered. */
export interface Methods {
    /** Puts a message into a room's log. The sender must be a member. Answered after the commit. */
    send: { data: SendData; answer: SentView };
    /** Changes what a message says. For its author, within the room's `edit_window`, and the product's backend. */
    edit: { data: EditData; answer: WrittenView };
    /**
     * Deletes a message: its content, and that of its edits, is blanked for good. For its author, within the room's
     * `edit_window`, moderators, and the product's backend.
     */
    delete: { data: DeleteData; answer: WrittenView };
    /** Adds a reaction to a message: an emoji or a word of at most 64 bytes. Once per person and reaction. */
    react: { data: ReactData; answer: WrittenView };
    /** Takes one's own reaction back. */
    unreact: { data: UnreactData; answer: WrittenView };
    /**
     * Pins a message to its room. For moderators; for members, too, where the room's `members_may.pin` says so; in a
     * direct room for both.
     */
    pin: { data: PinData; answer: WrittenView };
    /** Takes a pin away. For whoever may pin. */
    unpin: { data: UnpinData; answer: WrittenView };
    /**
     * A page of what people read in a room, ascending, as it is now: messages that stand not only in a thread, with
     * what became of them, and lines (who joined, was muted, what was renamed or changed). At most one of `before`,
     * `after`, `around` (a seq); without, the newest.
     */
    messages: { data: MessagesData; answer: ShownView };
    /**
     * One message, as it is now, also one that stands only in a thread: a page as of `messages`, with that entry alone.
     */
    message: { data: MessageData; answer: ShownView };
    /**
     * A page of the replies in a thread, as they are now. `root` is the seq of the message that it hangs on; the pages
     * are those of `messages`.
     */
    thread: { data: ThreadData; answer: ShownView };
    /** Who has reacted to a message: by reaction and then by user, or with `reaction` by user. */
    reactions: { data: ReactionsData; answer: ReactionsView };
    /**
     * The pinned messages of a room, ascending, as they are now, those in threads included. The pages are those of
     * `messages`; there are at most 100 pins, and only where they are heavy more than one page.
     */
    pins: { data: PinsData; answer: ShownView };
    /** Tells the readers of a room that one types there, for those who may write into it. */
    typing: { data: TypingData; answer: Nothing };
    /** The rooms one is a member of, by id. */
    rooms: { data: RoomsData; answer: RoomsView };
    /** Says how far one has read a room: up to this entry. For its members, of any role. */
    read: { data: ReadData; answer: ReadView };
    /**
     * In which of one's rooms something is unread, and how much. `rooms` with `unread` says the same along with
     * everything else.
     */
    unread: { data: UnreadData; answer: UnreadView };
    /** How far each member of a room has read, for its members: in rooms of at most 100. */
    reads: { data: ReadsData; answer: ReadsView };
    /** Makes a room. Asking again with the same id and kind finds it. */
    create_room: { data: CreateRoomData; answer: RoomView };
    /** Joins an open room as a member. */
    join: { data: JoinData; answer: ChangedView };
    /** Leaves a room. */
    leave: { data: LeaveData; answer: ChangedView };
    /**
     * The members of a room that one may read, by id. Bans are not members; with `banned`, moderators are told of those
     * instead.
     */
    members: { data: MembersData; answer: MembersView };
    /** Gives a room other settings, another name or topic, or other data. For its admins and the product's backend. */
    change_room: { data: ChangeRoomData; answer: WrittenView };
    /**
     * Gives somebody another role (`reader`, `member`, `moderator`, `admin`), adds them with it, or bans (`banned`).
     */
    set_role: { data: SetRoleData; answer: WrittenView };
    /**
     * Passes a room on: another member becomes its admin, and one's own role is a lower one from then on. For its
     * admins.
     */
    hand_over: { data: HandOverData; answer: WrittenView };
    /** Removes a member, or lifts a ban. For moderators, towards lower roles; admins, towards everybody. */
    remove_member: { data: RemoveMemberData; answer: WrittenView };
    /**
     * Mutes a member for a while: they may read and not write. For moderators, towards lower roles; admins, towards
     * everybody.
     */
    mute: { data: MuteData; answer: WrittenView };
    /** Ends a mute before its time. For whoever may mute. */
    unmute: { data: UnmuteData; answer: WrittenView };
    /**
     * Who of these people, at most 200, is connected on any instance, and when they were last. One may ask about people
     * with whom one shares a room.
     */
    online: { data: OnlineData; answer: OnlineView };
    /** Says whether others are shown when one was last seen. They are, unless one says otherwise. */
    last_seen: { data: LastSeenData; answer: LastSeenView };
    /** Says how a room is shown to oneself. For its members. */
    set_preferences: { data: SetPreferencesData; answer: PreferencesView };
    /** The rooms that are shown to oneself otherwise than usual, by id. */
    preferences: { data: PreferencesData; answer: PreferencesPage };
    /** Has the server take no messages between oneself and another user in their direct room, whoever writes. */
    block: { data: BlockData; answer: Nothing };
    /** Takes a `block` back. Where the other has blocked, too, theirs stays. */
    unblock: { data: UnblockData; answer: Nothing };
    /** Whom one has blocked, by id. */
    blocks: { data: BlocksData; answer: BlocksPage };
    /**
     * Invites somebody into a room: they become a member once they say `accept_invite`. For whoever may add members.
     */
    invite: { data: InviteData; answer: InviteView };
    /** The rooms into which one is invited, by id: of each the first invitation that waits. */
    invites: { data: InvitesData; answer: InvitesPage };
    /** Becomes a member of a room into which one is invited. */
    accept_invite: { data: AcceptInviteData; answer: WrittenView };
    /** Declines all invitations of oneself into a room. */
    decline_invite: { data: DeclineInviteData; answer: Nothing };
    /** Takes all invitations of somebody into a room back, whoever has sent them. For whoever may add members. */
    withdraw_invite: { data: WithdrawInviteData; answer: Nothing };
    /** Reports a message to the room's moderators and to the product's backend. For whoever may read it. */
    report: { data: ReportData; answer: ReportView };
    /**
     * Messages that were reported, by the number of the report: of one room, for its moderators; the product's backend
     * sees all.
     */
    reports: { data: ReportsData; answer: ReportsPage };
    /** Settles a report, dismisses it, or opens it again. For moderators of the room and the product's backend. */
    settle_report: { data: SettleReportData; answer: ReportView };
    /** A support session with a portal: new, or as it was left. A closed one is opened again. */
    open_session: { data: OpenSessionData; answer: DeliveryView };
    /** A support session as it is now. */
    session: { data: SessionData; answer: DeliveryView };
    /** Ends a support session. */
    close_session: { data: CloseSessionData; answer: SessionView };
}

/** The name of a method. */
export type Method = keyof Methods;

/** What was added after the first version. The answer to `connect` names what is on; others may be named. */
export type Feature = "edits" | "deletions" | "reactions" | "threads" | "mentions" | "pins" | "mutes" | "roles" | "settings" | "archives" | "room_deletions" | "room_infos" | "online" | "unread" | "blocks";

/**
 * What is told about the user, and is kept nowhere: it may be lost. Later versions have more types: pass over them.
 */
export type Hint =
    | { type: "activity"; head: number; room: string }
    | { type: "added"; room: string; seq: number }
    | { type: "blocked"; user: string }
    | { type: "changed"; room: string; seq: number }
    | { type: "event"; event: unknown }
    | { type: "features"; features: readonly string[] }
    | { type: "forward_delayed"; room: string; seq: number }
    | { type: "forward_failed"; room: string; seq: number }
    | { type: "forwarded"; room: string; seq: number }
    | { type: "invited"; by: string; room: string }
    | { type: "mention"; room: string; seq: number }
    | { type: "missed" }
    | { type: "preferences"; hidden: boolean; notify: string; pinned: boolean; room: string; unread_from?: number }
    | { type: "read"; room: string; seq: number }
    | { type: "removed"; room: string; seq?: number }
    | { type: "reported"; report: number; room: string }
    | { type: "unblocked"; user: string }
    | { type: "watching" };

/** What is said in a room, and is kept nowhere: it may be lost. Later versions have more types: pass over them. */
export type Signal =
    | { type: "read"; seq: number; user: string }
    | { type: "typing"; for: number; thread?: number; user: string };

/** Why a command was refused. */
export const ErrorCode = {
    /**
     * Internal server error, logged on the server; or, to `connect` and `refresh`: the keys of tokens cannot be had
     * now, or the token is good only later: come again
     */
    internal: 100,
    /** Unknown room, or one that this user may not see: one answer for both */
    unknown_room: 102,
    /**
     * May not: not a member, banned, of too low a role, muted, in a frozen or archived room, blocked, not the author,
     * too late, the last admin, or the members of a direct room are fixed. The message says which
     */
    forbidden: 103,
    /** Unknown command or method */
    unknown_method: 104,
    /** Subscribed already */
    already_subscribed: 105,
    /**
     * A limit of the connection, the room or the user is reached. The message names it. To `connect`: the user has too
     * many connections; with `temporary`, come again
     */
    limit: 106,
    /** Bad request. The message names the field and the limit */
    bad_request: 107,
    /** Not available here: `sub_refresh`, `ping` */
    not_available: 108,
    /** Token expired: come with a new one */
    token_expired: 109,
    /**
     * Too many sends, too soon in slow mode, or a user has used what there is: the message says how much is allowed,
     * and in how many milliseconds there is room. Nothing was written; send again with the same key
     */
    too_fast: 111,
    /** The position cannot be recovered */
    unrecoverable: 112,
    /**
     * The key belongs to another body (the text has that entry's id and seq), a room of this id exists, or a read mark
     * is further already (the text says where)
     */
    conflict: 409,
    /**
     * The support session is closed: `open_session` opens it again, then send again with the same key. Or the message
     * that a field names was deleted, or the room; the message says which
     */
    gone: 410,
    /**
     * Busy: too much waits, the room stayed locked, or a send ahead of this one to the same room failed. Nothing was
     * written; send again with the same key
     */
    busy: 429,
    /**
     * The store does not answer. Whether a send took effect may be unknown; send again with the same key. Or, where the
     * message begins with `not yet`: an older instance that does not know this feature may still be running; nothing
     * was written, and what is sent behind it is not held back
     */
    unavailable: 503,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** Why the server has closed a connection. From 3500 on it is for good. */
export const DisconnectCode = {
    /** The server is going away; come back to another */
    shutdown: 3001,
    /** Internal server error: who has connected could not be found out in time */
    server_error: 3004,
    /** The token expired and no new one came within 25 s, or to `connect` within 10 s */
    expired: 3005,
    /** `connect` has begun to come, and has not come within 10 s */
    slow: 3008,
    /** On a stream: some commands were lost on their way to it, or too many waited */
    lost_commands: 3010,
    /**
     * The product's backend wants this user to come back with another token; the reason may be its own. The old token
     * is answered with 109 for five minutes, so that the SDK asks its app for another
     */
    come_back: 3011,
    /** No pong within 10 s of a ping */
    no_pong: 3012,
    /** Too many clients arrive at once, and the turn of this one has not come within 4 s */
    too_many: 3013,
    /** The token is not accepted, or a `refresh` names another user */
    invalid_token: 3500,
    /**
     * Bad request: what was sent cannot be read, is over the longest frame, or comes before `connect`. The reason says
     * which
     */
    bad_request: 3501,
    /** No `connect` within 10 s */
    stale: 3502,
    /** The product's backend has logged this user out; the reason may be its own */
    logged_out: 3503,
    /** A binary frame on a connection that speaks JSON */
    inappropriate: 3506,
} as const;
export type DisconnectCode = (typeof DisconnectCode)[keyof typeof DisconnectCode];

/** Why the server has ended a subscription. */
export const UnsubscribeCode = {
    /**
     * The user was removed, has left or was banned. That entry was the last publication. SDKs do not come back by
     * themselves
     */
    removed: 2000,
    /** The room was deleted. SDKs do not come back by themselves */
    room_deleted: 2001,
    /**
     * The history this subscription counted in is gone. SDKs subscribe again by themselves with their old position, and
     * are told that it is not recovered
     */
    history_gone: 2500,
} as const;
export type UnsubscribeCode = (typeof UnsubscribeCode)[keyof typeof UnsubscribeCode];

/** 64 */
export const ROOM_ID_BYTES = 64;

/** 128 */
export const USER_ID_BYTES = 128;

/** 128 */
export const KEY_BYTES = 128;

/** 256 */
export const ROOM_NAME_BYTES = 256;

/** 1,024 */
export const ROOM_TOPIC_BYTES = 1024;

/** 4,096 of a room's `data`, without white space between tokens */
export const ROOM_DATA_BYTES = 4096;

/** 8,192 */
export const TEXT_BYTES = 8192;

/** 16,384, without white space between tokens; also of an event */
export const DATA_BYTES = 16384;

/** 16 levels of `data` and `info` */
export const JSON_DEPTH = 16;

/** 50 people that one message mentions */
export const MENTIONS = 50;

/** 64 of a reaction */
export const REACTION_BYTES = 64;

/** 50 different reactions on one message */
export const REACTIONS_OF_MESSAGE = 50;

/** 1,000 edits of one message */
export const EDITS_OF_MESSAGE = 1000;

/** 100 pinned messages of a room */
export const PINS = 100;

/**
 * 262,144 of one WebSocket message from a client, or of the commands in a request: 1,000 subscriptions that recover,
 * with the longest ids
 */
export const FRAME_BYTES = 262144;

/** 1,000 of one connection */
export const SUBSCRIPTIONS = 1000;

/** 100 entries, rooms or members where no limit is asked for */
export const PAGE_DEFAULT = 100;

/** 1,000 */
export const PAGE_MAX = 1000;

/** 1,000 in `create_room` or one REST request */
export const MEMBERS_AT_ONCE = 1000;

/** 999: unread messages and mentions are counted to here */
export const UNREAD_MAX = 999;

/** 100 rooms on a page of `unread`, or of `rooms` with `unread`, whatever `limit` says */
export const UNREAD_ROOMS = 100;

/** 100 members of a room whose `reads` are shown */
export const RECEIPTS_MEMBERS = 100;

/** 1,000 connections of a room are named by `presence` */
export const PRESENT_MAX = 1000;
