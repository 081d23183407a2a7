// NOT RUN HERE: written against the sources of centrifuge-swift, those with `stateGetter` (after 0.9.0).
//
// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md. In an app: the same in a class that lives as long as the app, `client.disconnect()` and
// `client.connect()` from `scenePhase`: at `.background`, and at `.active`.

import Foundation
import SwiftCentrifuge

func setting(_ name: String, _ usual: String) -> String { ProcessInfo.processInfo.environment[name] ?? usual }

let server = setting("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket")
// In production this is your own backend, which knows who is signed in.
let tokens = setting("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana")
let room = setting("CHAT_ROOM", "general")

struct Entry: Decodable {
    let seq: UInt64
    let from: String
    let type: String
    let text: String?
}

struct Page: Decodable {
    let entries: [Entry]
    let as_of: UInt64
    let epoch: String
}

struct Sent: Decodable { let seq: UInt64 }

struct Made: Decodable { let token: String }

func show(_ entry: Entry) { print("\(entry.seq) \(entry.from): \(entry.text ?? entry.type)") }

func note(_ text: String) { FileHandle.standardError.write(Data("(\(text))\n".utf8)) }

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
let getToken: CentrifugeConnectionTokenGetter = { _, done in
    URLSession.shared.dataTask(with: URL(string: tokens)!) { data, answer, problem in
        let status = (answer as? HTTPURLResponse)?.statusCode ?? 0
        if status == 401 || status == 403 {
            done(.failure(CentrifugeError.unauthorized)) // ends it
        } else if let data, status == 200, let made = try? JSONDecoder().decode(Made.self, from: data) {
            done(.success(made.token))
        } else {
            done(.failure(problem ?? URLError(.badServerResponse))) // tried again
        }
    }.resume()
}

final class Connection: CentrifugeClientDelegate {
    func onConnecting(_ client: CentrifugeClient, _ event: CentrifugeConnectingEvent) { note("connecting: \(event.code) \(event.reason)") }
    func onDisconnected(_ client: CentrifugeClient, _ event: CentrifugeDisconnectedEvent) { note("offline: \(event.code) \(event.reason)") }
}

// Delegates are held weakly: keep them.
let connection = Connection()
let client = CentrifugeClient(endpoint: server, config: CentrifugeClientConfig(tokenGetter: getToken), delegate: connection)

func call<Answer: Decodable>(_ method: String, _ asked: [String: Any], done: @escaping (Result<Answer, Error>) -> Void) {
    do {
        client.rpc(method: method, data: try JSONSerialization.data(withJSONObject: asked)) { result in
            done(result.flatMap { answer in Result { try JSONDecoder().decode(Answer.self, from: answer.data) } })
        }
    } catch {
        done(.failure(error))
    }
}

// 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
// more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
let getState: CentrifugeSubscriptionStateGetter = { _, done in
    call("messages", ["room": room, "limit": 50]) { (result: Result<Page, Error>) in
        done(result.map { page in
            page.entries.forEach(show)
            return CentrifugeStreamPosition(offset: page.as_of, epoch: page.epoch)
        })
    }
}

final class Room: CentrifugeSubscriptionDelegate {
    func onPublication(_ sub: CentrifugeSubscription, _ event: CentrifugePublicationEvent) {
        if let entry = try? JSONDecoder().decode(Entry.self, from: event.data) { show(entry) }
    }
    func onError(_ sub: CentrifugeSubscription, _ event: CentrifugeSubscriptionErrorEvent) { note("not subscribed yet: \(event.error)") }
    func onUnsubscribed(_ sub: CentrifugeSubscription, _ event: CentrifugeUnsubscribedEvent) { note("out of the room: \(event.code) \(event.reason)") }
}

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
final class Outbox {
    private let queue = DispatchQueue(label: "outbox")
    private var waiting: [(key: String, text: String)] = []
    private var sending = false

    func add(_ text: String) {
        queue.async {
            self.waiting.append((UUID().uuidString, text))
            if !self.sending { self.sendFirst() }
        }
    }

    /// On the queue.
    private func sendFirst() {
        sending = !waiting.isEmpty
        guard let (key, text) = waiting.first else { return }
        call("send", ["room": room, "key": key, "text": text]) { (result: Result<Sent, Error>) in
            self.queue.async { self.answered(result) }
        }
    }

    private func answered(_ result: Result<Sent, Error>) {
        switch result {
        case .success(let sent):
            note("stored as \(sent.seq)")
        // The server has said it; everything else is an answer that did not come.
        case .failure(CentrifugeError.replyError(code: let code, message: let message, temporary: false)):
            note("refused: \(code) \(message)")
        case .failure:
            queue.asyncAfter(deadline: .now() + .milliseconds(Int.random(in: 300..<1_000))) { self.sendFirst() }
            return
        }
        waiting.removeFirst()
        sendFirst()
    }
}

// 4. Background and return: the same client and the same subscription, which goes on where it was.
let events = Room()
let subscription = try client.newSubscription(
    channel: "room:\(room)", delegate: events, config: CentrifugeSubscriptionConfig(recoverable: true, stateGetter: getState))
let outbox = Outbox()
subscription.subscribe()
client.connect()
while let line = readLine() {
    switch line {
    case "": break
    case "/away": client.disconnect()
    case "/back": client.connect()
    default: outbox.add(line)
    }
}
