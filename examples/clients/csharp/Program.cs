// NOT RUN HERE: written against the sources of centrifuge-csharp (Centrifugal.Centrifuge), those with `GetState`, which came after 0.0.4.
// Its authors call it a work in progress.
//
// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md. In MAUI: the same in a class that lives as long as the app, `Disconnect` and `Connect` from
// `OnSleep` and `OnResume` of the Application.
//   dotnet new console && dotnet add package Centrifugal.Centrifuge && dotnet run

using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Threading.Channels;
using Centrifugal.Centrifuge;

static string Setting(string name, string usual) => Environment.GetEnvironmentVariable(name) ?? usual;

var server = Setting("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket");
// In production this is your own backend, which knows who is signed in.
var tokens = Setting("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana");
var room = Setting("CHAT_ROOM", "general");
using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };

static void Show(JsonElement entry)
{
    var text = entry.TryGetProperty("text", out var said) ? said : entry.GetProperty("type");
    Console.WriteLine($"{entry.GetProperty("seq")} {entry.GetProperty("from")}: {text}");
}

static void Note(string text) => Console.Error.WriteLine($"({text})");

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
async Task<string> GetToken()
{
    using var answer = await http.GetAsync(tokens);
    if (answer.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
        throw new CentrifugeUnauthorizedException("signed out"); // ends it
    answer.EnsureSuccessStatusCode(); // tried again
    var made = await answer.Content.ReadFromJsonAsync<JsonElement>();
    return made.GetProperty("token").GetString()!;
}

await using var client = new CentrifugeClient(server, new CentrifugeClientOptions { GetToken = GetToken });
client.Connecting += (_, it) => Note($"connecting: {it.Code} {it.Reason}");
client.Disconnected += (_, it) => Note($"offline: {it.Code} {it.Reason}");

async Task<JsonElement> Call(string method, object asked)
{
    var answer = await client.RpcAsync(method, JsonSerializer.SerializeToUtf8Bytes(asked));
    return JsonSerializer.Deserialize<JsonElement>(answer.Data.Span);
}

// 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
// more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
async Task<CentrifugeStreamPosition> GetState(string channel)
{
    var page = await Call("messages", new { room, limit = 50 });
    foreach (var entry in page.GetProperty("entries").EnumerateArray()) Show(entry);
    return new CentrifugeStreamPosition(page.GetProperty("as_of").GetUInt64(), page.GetProperty("epoch").GetString()!);
}

var subscription = client.NewSubscription($"room:{room}", new CentrifugeSubscriptionOptions { Recoverable = true, GetState = GetState });
subscription.Publication += (_, it) => Show(JsonSerializer.Deserialize<JsonElement>(it.Data.Span));
subscription.Error += (_, it) => Note($"not subscribed yet: {it.Message}");
subscription.Unsubscribed += (_, it) => Note($"out of the room: {it.Code} {it.Reason}");

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
var outbox = Channel.CreateUnbounded<(string Key, string Text)>();

async Task SendAll()
{
    await foreach (var (key, text) in outbox.Reader.ReadAllAsync())
    {
        while (true)
        {
            try
            {
                var sent = await Call("send", new { room, key, text });
                Note($"stored as {sent.GetProperty("seq")}");
                break;
            }
            // From 100 on the server has said it. Everything else is an answer that did not come.
            catch (CentrifugeException error) when (error.Code >= 100 && !error.Temporary)
            {
                Note($"refused: {error.Code} {error.Message}");
                break;
            }
            catch (Exception)
            {
                await Task.Delay(Random.Shared.Next(300, 1_000));
            }
        }
    }
}

// 4. Background and return: the same client and the same subscription, which goes on where it was.
var sender = SendAll();
subscription.Subscribe();
client.Connect();
while (Console.ReadLine() is { } line)
{
    if (line == "/away") client.Disconnect();
    else if (line == "/back") client.Connect();
    else if (line != "") await outbox.Writer.WriteAsync((Guid.NewGuid().ToString(), line));
}
