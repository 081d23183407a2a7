// Makes a room, sends a message and reads it, by the generated client.

import { Configuration, MessagesApi, RoomsApi } from "./client/index.js";

const room = process.env.ROOM!;
const settings = new Configuration({ basePath: process.env.HUBBUB_URL!, accessToken: process.env.HUBBUB_KEY! });
const members = [{ user: "ana", role: "admin" as const }];
const made = await new RoomsApi(settings).createRoom({ newRoom: { id: room, kind: "private", name: "TypeScript", members } });
const messages = new MessagesApi(settings);
const newMessage = { from: "ana", text: "from TypeScript" };
const sent = await messages.send({ room, newMessage, idempotencyKey: "typescript-1" });
const page = await messages.messages({ room });
const last = page.entries.at(-1)!;
if (last.type !== "message" || !("text" in last)) {
  throw new Error(JSON.stringify(last));
}
console.log(made.id, sent.seq, last.text);
