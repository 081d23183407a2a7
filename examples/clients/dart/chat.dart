// NOT RUN HERE: written against the sources of centrifuge-dart 0.20.0 (client.dart, subscription_config.dart, error.dart).
//
// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md. In Flutter: the same in a class that lives as long as the app, `disconnect` and `connect` from
// `didChangeAppLifecycleState` of a WidgetsBindingObserver: at `paused`, and at `resumed`.
//   dart pub add centrifuge fixnum http uuid && dart run chat.dart

import 'dart:async';
import 'dart:convert';
import 'dart:io';
import 'dart:math';

import 'package:centrifuge/centrifuge.dart' as centrifuge;
import 'package:fixnum/fixnum.dart';
import 'package:http/http.dart' as http;
import 'package:uuid/uuid.dart';

String setting(String name, String usual) => Platform.environment[name] ?? usual;

final server = setting('CHAT_SERVER', 'ws://127.0.0.1:8000/connection/websocket');
// In production this is your own backend, which knows who is signed in.
final tokens = setting('CHAT_TOKENS', 'http://127.0.0.1:8000/dev/token?user=ana');
final room = setting('CHAT_ROOM', 'general');

Map<String, dynamic> read(List<int> data) => jsonDecode(utf8.decode(data)) as Map<String, dynamic>;

void show(Map<String, dynamic> entry) => stdout.writeln('${entry['seq']} ${entry['from']}: ${entry['text'] ?? entry['type']}');

void note(String text) => stderr.writeln('($text)');

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
Future<String> getToken(centrifuge.ConnectionTokenEvent _) async {
  final answer = await http.get(Uri.parse(tokens)).timeout(const Duration(seconds: 5));
  if (answer.statusCode == 401 || answer.statusCode == 403) throw centrifuge.UnauthorizedException(); // ends it
  if (answer.statusCode != 200) throw HttpException('no token: ${answer.statusCode}'); // tried again
  return read(answer.bodyBytes)['token'] as String;
}

final client = centrifuge.createClient(server, centrifuge.ClientConfig(getToken: getToken));

Future<Map<String, dynamic>> call(String method, Map<String, Object> asked) async =>
    read((await client.rpc(method, utf8.encode(jsonEncode(asked)))).data);

// 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
// more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
Future<centrifuge.StreamPosition> getState() async {
  final page = await call('messages', {'room': room, 'limit': 50});
  for (final entry in page['entries'] as List) {
    show(entry as Map<String, dynamic>);
  }
  return centrifuge.StreamPosition(Int64(page['as_of'] as int), page['epoch'] as String);
}

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
final outbox = <(String, String)>[];
var sending = false;

Future<void> send(String text) async {
  outbox.add((const Uuid().v4(), text));
  if (sending) return;
  sending = true;
  while (outbox.isNotEmpty) {
    final (key, text) = outbox.first;
    try {
      final sent = await call('send', {'room': room, 'key': key, 'text': text});
      note('stored as ${sent['seq']}');
      outbox.removeAt(0);
    } on centrifuge.Error catch (error) {
      // The server has said it.
      if (error.temporary) {
        await pause();
      } else {
        note('refused: ${error.code} ${error.message}');
        outbox.removeAt(0);
      }
    } catch (_) {
      await pause(); // an answer that did not come
    }
  }
  sending = false;
}

Future<void> pause() => Future.delayed(Duration(milliseconds: 300 + Random().nextInt(700)));

// 4. Background and return: the same client and the same subscription, which goes on where it was.
Future<void> main() async {
  client.connecting.listen((event) => note('connecting: ${event.code} ${event.reason}'));
  client.disconnected.listen((event) => note('offline: ${event.code} ${event.reason}'));
  final subscription =
      client.newSubscription('room:$room', centrifuge.SubscriptionConfig(recoverable: true, getState: getState));
  subscription.publication.listen((event) => show(read(event.data)));
  subscription.error.listen((event) => note('not subscribed yet: ${event.error}'));
  subscription.unsubscribed.listen((event) => note('out of the room: ${event.code} ${event.reason}'));
  unawaited(client.connect());
  unawaited(subscription.subscribe());
  await for (final line in stdin.transform(utf8.decoder).transform(const LineSplitter())) {
    if (line == '/away') {
      await client.disconnect();
    } else if (line == '/back') {
      unawaited(client.connect());
    } else if (line.isNotEmpty) {
      unawaited(send(line));
    }
  }
  exit(0);
}
