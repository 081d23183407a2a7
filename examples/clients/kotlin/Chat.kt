// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md. On Android: the same `Room`, `Outbox` and client in a class that lives as long as the process,
// `client.connect()` and `client.disconnect()` from `onStart` and `onStop` of a ProcessLifecycleOwner's observer, tokens by OkHttp.
// With centrifuge-java 0.4.1, which is the SDK for Android, and gson.

import com.google.gson.Gson
import com.google.gson.JsonObject
import io.github.centrifugal.centrifuge.*
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.time.Duration
import java.util.UUID
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ExecutionException
import java.util.concurrent.LinkedBlockingQueue
import kotlin.concurrent.thread
import kotlin.random.Random
import kotlin.system.exitProcess

fun setting(name: String, usual: String): String = System.getenv(name) ?: usual

val SERVER = setting("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket")

// In production this is your own backend, which knows who is signed in.
val TOKENS = setting("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana")
val ROOM = setting("CHAT_ROOM", "general")
val json = Gson()
val http: HttpClient = HttpClient.newHttpClient()

fun read(data: ByteArray): JsonObject = json.fromJson(data.decodeToString(), JsonObject::class.java)

fun JsonObject.seq(): Long = get("seq").asLong

fun show(entry: JsonObject) = println("${entry.seq()} ${entry["from"].asString}: ${(entry["text"] ?: entry["type"]).asString}")

fun note(text: String) = System.err.println("($text)")

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
object Tokens : ConnectionTokenGetter() {
    override fun getConnectionToken(event: ConnectionTokenEvent, done: TokenCallback) {
        val asked = HttpRequest.newBuilder(URI.create(TOKENS)).timeout(Duration.ofSeconds(5)).build()
        http.sendAsync(asked, HttpResponse.BodyHandlers.ofByteArray()).whenComplete { answer, problem ->
            when {
                problem != null -> done.Done(problem, "") // tried again
                answer.statusCode() == 401 || answer.statusCode() == 403 -> done.Done(UnauthorizedException(), "") // signed out: ends it
                answer.statusCode() != 200 -> done.Done(IllegalStateException("no token: ${answer.statusCode()}"), "")
                else -> done.Done(null, read(answer.body())["token"].asString)
            }
        }
    }
}

object Connection : EventListener() {
    override fun onConnecting(client: Client, event: ConnectingEvent) = note("connecting: ${event.code} ${event.reason}")

    override fun onDisconnected(client: Client, event: DisconnectedEvent) = note("offline: ${event.code} ${event.reason}")
}

fun Client.call(method: String, asked: Map<String, Any>): CompletableFuture<JsonObject> {
    val answer = CompletableFuture<JsonObject>()
    rpc(method, json.toJson(asked).encodeToByteArray()) { problem, result ->
        when {
            problem != null -> answer.completeExceptionally(problem)
            result.error != null -> answer.completeExceptionally(result.error)
            else -> answer.complete(read(result.data))
        }
    }
    return answer
}

// 2. Subscribe with recovery. This version of the SDK cannot begin at a position, so it begins at the head of the log; the page is what
// lies before it, and live entries wait until that is shown. The same again where it is not recovered (a restored backup): then the page
// takes the place of all that is shown. After a lost connection it is recovered, and whatever was missed follows.
class Room(private val client: Client) : SubscriptionEventListener() {
    private var early: MutableList<JsonObject>? = mutableListOf() // null once the page is shown

    override fun onSubscribed(subscription: Subscription, event: SubscribedEvent) {
        val waiting = synchronized(this) {
            if (event.recovered && early == null) return
            mutableListOf<JsonObject>().also { early = it }
        }
        client.call("messages", mapOf("room" to ROOM, "limit" to 50)).whenComplete { page, problem ->
            synchronized(this) {
                if (waiting !== early) return@whenComplete // subscribed again meanwhile: that page counts
                if (problem != null) {
                    note("no page: ${problem.message}")
                    subscription.unsubscribe()
                    subscription.subscribe()
                    return@whenComplete
                }
                page["entries"].asJsonArray.forEach { show(it.asJsonObject) }
                waiting.filter { it.seq() > page["as_of"].asLong }.forEach(::show)
                early = null
            }
        }
    }

    override fun onPublication(subscription: Subscription, event: PublicationEvent) = synchronized(this) {
        val entry = read(event.data)
        early?.add(entry) ?: show(entry)
        Unit
    }

    override fun onError(subscription: Subscription, event: SubscriptionErrorEvent) = note("not subscribed yet: ${event.error.message}")

    override fun onUnsubscribed(subscription: Subscription, event: UnsubscribedEvent) = note("out of the room: ${event.code} ${event.reason}")
}

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
class Outbox(private val client: Client) {
    private val waiting = LinkedBlockingQueue<String>()

    fun add(text: String) = waiting.put(text)

    fun sendAll(): Nothing {
        while (true) send(waiting.take(), UUID.randomUUID().toString())
    }

    private fun send(text: String, key: String) {
        while (true) {
            try {
                val sent = client.call("send", mapOf("room" to ROOM, "key" to key, "text" to text)).get()
                return note("stored as ${sent.seq()}")
            } catch (error: ExecutionException) {
                // The server has said it; everything else is an answer that did not come.
                val said = error.cause as? ReplyError
                if (said != null && !said.isTemporary) return note("refused: ${said.code} ${said.message}")
                Thread.sleep(Random.nextLong(300, 1_000))
            }
        }
    }
}

// 4. Background and return: the same client and the same subscription, which goes on where it was.
fun main() {
    val client = Client(SERVER, Options().apply { tokenGetter = Tokens }, Connection)
    client.newSubscription("room:$ROOM", SubscriptionOptions().apply { isRecoverable = true }, Room(client)).subscribe()
    client.connect()
    val outbox = Outbox(client)
    thread(isDaemon = true) { outbox.sendAll() }
    for (line in generateSequence(::readLine)) {
        when (line) {
            "" -> {}
            "/away" -> client.disconnect()
            "/back" -> client.connect()
            else -> outbox.add(line)
        }
    }
    exitProcess(0)
}
