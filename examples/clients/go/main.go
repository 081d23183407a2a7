// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md.
//
//	go run .      (beside `make run`)
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	mathrand "math/rand"
	"net/http"
	"os"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

func setting(name, usual string) string {
	if said := os.Getenv(name); said != "" {
		return said
	}
	return usual
}

var (
	server = setting("CHAT_SERVER", "ws://127.0.0.1:8000/connection/websocket")
	// In production this is your own backend, which knows who is signed in.
	tokens = setting("CHAT_TOKENS", "http://127.0.0.1:8000/dev/token?user=ana")
	room   = setting("CHAT_ROOM", "general")
)

type entry struct {
	Seq  uint64  `json:"seq"`
	From string  `json:"from"`
	Type string  `json:"type"`
	Text *string `json:"text"`
}

func show(data []byte) {
	var it entry
	if err := json.Unmarshal(data, &it); err != nil {
		note("an entry that cannot be read: %v", err)
		return
	}
	text := it.Type
	if it.Text != nil {
		text = *it.Text
	}
	fmt.Printf("%d %s: %s\n", it.Seq, it.From, text)
}

func note(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "("+format+")\n", args...)
}

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
func getToken(centrifuge.ConnectionTokenEvent) (string, error) {
	answer, err := (&http.Client{Timeout: 5 * time.Second}).Get(tokens)
	if err != nil {
		return "", err // tried again
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden {
		return "", centrifuge.ErrUnauthorized // ends it
	}
	if answer.StatusCode != http.StatusOK {
		return "", errors.New(answer.Status)
	}
	var made struct {
		Token string `json:"token"`
	}
	err = json.NewDecoder(answer.Body).Decode(&made)
	return made.Token, err
}

func call(client *centrifuge.Client, method string, asked map[string]any, answer any) error {
	data, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	patience, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	result, err := client.RPC(patience, method, data)
	if err != nil {
		return err
	}
	return json.Unmarshal(result.Data, answer)
}

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
func sendAll(client *centrifuge.Client, outbox <-chan string) {
	for text := range outbox {
		key := rand.Text()
		for {
			var sent entry
			err := call(client, "send", map[string]any{"room": room, "key": key, "text": text}, &sent)
			if err == nil {
				note("stored as %d", sent.Seq)
				break
			}
			var said *centrifuge.Error // the server has said it; everything else is an answer that did not come
			if errors.As(err, &said) && !said.Temporary {
				note("refused: %d %s", said.Code, said.Message)
				break
			}
			time.Sleep(time.Duration(300+mathrand.Intn(700)) * time.Millisecond)
		}
	}
}

func main() {
	client := centrifuge.NewJsonClient(server, centrifuge.Config{GetToken: getToken})
	client.OnConnecting(func(it centrifuge.ConnectingEvent) { note("connecting: %d %s", it.Code, it.Reason) })
	client.OnDisconnected(func(it centrifuge.DisconnectedEvent) { note("offline: %d %s", it.Code, it.Reason) })

	// 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
	// more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
	getState := func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
		var page struct {
			Entries []json.RawMessage `json:"entries"`
			AsOf    uint64            `json:"as_of"`
			Epoch   string            `json:"epoch"`
		}
		if err := call(client, "messages", map[string]any{"room": room, "limit": 50}, &page); err != nil {
			return centrifuge.StreamPosition{}, err
		}
		for _, data := range page.Entries {
			show(data)
		}
		return centrifuge.StreamPosition{Offset: page.AsOf, Epoch: page.Epoch}, nil
	}
	subscription, err := client.NewSubscription("room:"+room, centrifuge.SubscriptionConfig{Recoverable: true, GetState: getState})
	if err != nil {
		panic(err)
	}
	subscription.OnPublication(func(it centrifuge.PublicationEvent) { show(it.Data) })
	subscription.OnError(func(it centrifuge.SubscriptionErrorEvent) { note("not subscribed yet: %v", it.Error) })
	subscription.OnUnsubscribed(func(it centrifuge.UnsubscribedEvent) { note("out of the room: %d %s", it.Code, it.Reason) })

	// 4. Background and return: the same client and the same subscription, which goes on where it was.
	outbox := make(chan string, 1000)
	go sendAll(client, outbox)
	if err := errors.Join(subscription.Subscribe(), client.Connect()); err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		switch line := lines.Text(); line {
		case "":
		case "/away":
			err = client.Disconnect()
		case "/back":
			err = client.Connect()
		default:
			outbox <- line
		}
		if err != nil {
			panic(err)
		}
	}
	client.Close()
}
