// Drives the unmodified Go SDK; see ../README.md for the commands. Keep it equal to the other drivers.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

// How long a call may take, as in the other SDKs.
const patience = 5 * time.Second

type more = map[string]any

var out sync.Mutex

func tell(event string, more more) {
	line := map[string]any{"event": event}
	for name, value := range more {
		line[name] = value
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	out.Lock()
	defer out.Unlock()
	fmt.Println(string(text))
}

// What a command has beside its name.
type command struct {
	Do      string          `json:"do"`
	N       int             `json:"n"`
	Prefix  string          `json:"prefix"`
	Window  int             `json:"window"`
	Seq     uint64          `json:"seq"`
	Limit   int32           `json:"limit"`
	Reverse bool            `json:"reverse"`
	Token   string          `json:"token"`
	Data    json.RawMessage `json:"data"`
	Rooms   []string        `json:"rooms"`
	All     bool            `json:"all"`
	Since   *struct {
		Offset uint64 `json:"offset"`
		Epoch  string `json:"epoch"`
	} `json:"since"`
}

func (c command) since() *centrifuge.StreamPosition {
	if c.Since == nil {
		return nil
	}
	return &centrifuge.StreamPosition{Offset: c.Since.Offset, Epoch: c.Since.Epoch}
}

// One entry as the story wants it: its seq, its id, its text or null.
func entry(pub centrifuge.Publication) []any {
	var data struct {
		ID   string  `json:"id"`
		Text *string `json:"text"`
	}
	if err := json.Unmarshal(pub.Data, &data); err != nil {
		panic(err)
	}
	return []any{pub.Offset, data.ID, data.Text}
}

type driver struct {
	room         string
	client       *centrifuge.Client
	subscription *centrifuge.Subscription
	tokens       chan string

	// The socket below the SDK, only to cut it.
	socket net.Conn

	mu       sync.Mutex
	moved    *sync.Cond
	log      [][]any
	top      uint64
	counters map[string]int

	following int
	followed  map[string]int
}

func (d *driver) arrived(pub centrifuge.Publication) {
	if pub.Offset == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.log = append(d.log, entry(pub))
	if pub.Offset <= d.top {
		d.counters["duplicates"]++
	} else if len(d.log) > 1 && pub.Offset > d.top+1 {
		d.counters["holes"]++
	}
	d.top = max(d.top, pub.Offset)
	d.moved.Broadcast()
}

// The code of a refusal; the SDK's own errors have none.
func code(err error) (uint32, bool) {
	var refusal *centrifuge.Error
	if errors.As(err, &refusal) {
		return refusal.Code, refusal.Temporary
	}
	return 0, true
}

func tellError(of string, err error) {
	n, _ := code(err)
	tell("error", more{"of": of, "code": n, "message": err.Error()})
}

func (d *driver) subscribe(c command) {
	since := c.since()
	if since == nil {
		since = &centrifuge.StreamPosition{}
	}
	subscription, err := d.client.NewSubscription("room:"+d.room, centrifuge.SubscriptionConfig{
		Recoverable:         true,
		MinResubscribeDelay: 100 * time.Millisecond,
		MaxResubscribeDelay: time.Second,
		// This SDK takes a first position only so.
		GetState: func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
			return *since, nil
		},
	})
	if err != nil {
		tellError("subscription", err)
		return
	}
	d.subscription = subscription
	subscription.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		d.mu.Lock()
		d.counters["subscribed"]++
		if e.Recovered {
			d.counters["recovered"]++
		} else if e.WasRecovering {
			d.counters["not_recovered"]++
		}
		d.mu.Unlock()
		position := centrifuge.StreamPosition{}
		if e.StreamPosition != nil {
			position = *e.StreamPosition
		}
		tell("subscribed", more{
			"recovered": e.Recovered, "was_recovering": e.WasRecovering,
			"offset": position.Offset, "epoch": position.Epoch,
		})
	})
	subscription.OnPublication(func(e centrifuge.PublicationEvent) { d.arrived(e.Publication) })
	subscription.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
		tell("unsubscribed", more{"code": e.Code, "reason": e.Reason})
	})
	subscription.OnError(func(e centrifuge.SubscriptionErrorEvent) { tellError("subscription", e.Error) })
	if err := subscription.Subscribe(); err != nil {
		tellError("subscription", err)
	}
}

// Many rooms at once: told of whenever all of them are subscribed.
func (d *driver) follow(c command) {
	d.mu.Lock()
	d.following += len(c.Rooms)
	d.mu.Unlock()
	subscriptions := []*centrifuge.Subscription{}
	for _, room := range c.Rooms {
		subscription, err := d.client.NewSubscription("room:"+room, centrifuge.SubscriptionConfig{
			Positioned:          c.All,
			Recoverable:         true,
			JoinLeave:           c.All,
			MinResubscribeDelay: 100 * time.Millisecond,
			MaxResubscribeDelay: time.Second,
			GetState: func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
				return centrifuge.StreamPosition{}, nil
			},
		})
		if err != nil {
			tellError("subscription", err)
			return
		}
		is, at := false, uint64(0)
		subscription.OnSubscribing(func(centrifuge.SubscribingEvent) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if is {
				d.followed["subscribed"]--
			}
			is = false
		})
		subscription.OnSubscribed(func(e centrifuge.SubscribedEvent) {
			d.mu.Lock()
			defer d.mu.Unlock()
			is = true
			d.followed["subscribed"]++
			if e.Recovered {
				d.followed["recovered"]++
			} else if e.WasRecovering {
				d.followed["not_recovered"]++
			}
			if d.followed["subscribed"] == d.following {
				d.followed["times"]++
				tell("all_subscribed", more{"times": d.followed["times"]})
			}
		})
		subscription.OnPublication(func(e centrifuge.PublicationEvent) {
			d.mu.Lock()
			defer d.mu.Unlock()
			if e.Offset == 0 {
				return
			}
			if e.Offset != at+1 {
				d.followed["faults"]++
			}
			at = e.Offset
			d.followed["received"]++
		})
		subscription.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
			tell("unsubscribed", more{"code": e.Code, "reason": e.Reason})
		})
		subscription.OnError(func(e centrifuge.SubscriptionErrorEvent) { tellError("subscription", e.Error) })
		subscriptions = append(subscriptions, subscription)
	}
	for _, subscription := range subscriptions {
		if err := subscription.Subscribe(); err != nil {
			tellError("subscription", err)
		}
	}
}

func key() string {
	var bytes [16]byte
	if _, err := rand.Read(bytes[:]); err != nil {
		panic(err)
	}
	return hex.EncodeToString(bytes[:])
}

func (d *driver) say(c command) {
	var mu sync.Mutex
	var waiting sync.WaitGroup
	acks, retries, refused := [][]any{}, 0, 0
	texts := make(chan string)
	sayOne := func(text string) {
		body, _ := json.Marshal(more{"room": d.room, "key": key(), "text": text})
		for {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			result, err := d.client.RPC(ctx, "send", body)
			cancel()
			if err == nil {
				var place struct {
					Seq uint64 `json:"seq"`
					ID  string `json:"id"`
				}
				if err := json.Unmarshal(result.Data, &place); err != nil {
					panic(err)
				}
				mu.Lock()
				acks = append(acks, []any{place.Seq, place.ID, text})
				mu.Unlock()
				return
			}
			if _, temporary := code(err); !temporary {
				mu.Lock()
				refused++
				mu.Unlock()
				tellError("send", err)
				return
			}
			mu.Lock()
			retries++
			mu.Unlock()
			time.Sleep(100 * time.Millisecond)
		}
	}
	window := c.Window
	if window == 0 {
		window = 32
	}
	for range min(window, c.N) {
		waiting.Go(func() {
			for text := range texts {
				sayOne(text)
			}
		})
	}
	for n := range c.N {
		texts <- fmt.Sprintf("%s%d", c.Prefix, n+1)
	}
	close(texts)
	waiting.Wait()
	tell("said", more{"acked": len(acks), "retries": retries, "refused": refused, "acks": acks})
}

// What a call is answered with, or the code it is refused with.
func answered(event string, call func(context.Context) (more, error)) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := call(ctx)
	if err != nil {
		n, _ := code(err)
		result = more{"code": n, "message": err.Error()}
	}
	tell(event, result)
}

func (d *driver) obey(c command) {
	switch c.Do {
	case "subscribe":
		d.subscribe(c)
	case "say":
		d.say(c)
	case "expect":
		d.mu.Lock()
		for d.top < c.Seq {
			d.moved.Wait()
		}
		d.mu.Unlock()
		tell("reached", more{"seq": c.Seq})
	case "publish":
		answered("published", func(ctx context.Context) (more, error) {
			_, err := d.subscription.Publish(ctx, c.Data)
			return more{}, err
		})
	case "history":
		answered("history", func(ctx context.Context) (more, error) {
			page, err := d.subscription.History(ctx, centrifuge.WithHistoryLimit(c.Limit),
				centrifuge.WithHistorySince(c.since()), centrifuge.WithHistoryReverse(c.Reverse))
			entries := [][]any{}
			for _, pub := range page.Publications {
				entries = append(entries, entry(pub))
			}
			return more{"entries": entries, "offset": page.Offset, "epoch": page.Epoch}, err
		})
	case "presence":
		answered("presence", func(ctx context.Context) (more, error) {
			result, err := d.subscription.Presence(ctx)
			users := []string{}
			for _, info := range result.Clients {
				users = append(users, info.User)
			}
			slices.Sort(users)
			return more{"users": users}, err
		})
	case "token":
		d.tokens <- c.Token
	case "cut":
		d.mu.Lock()
		_ = d.socket.(*net.TCPConn).SetLinger(0)
		_ = d.socket.Close()
		d.mu.Unlock()
		tell("cut", nil)
	case "follow":
		d.follow(c)
	case "followed":
		d.mu.Lock()
		told := more{}
		for name, n := range d.followed {
			told[name] = n
		}
		d.mu.Unlock()
		tell("followed", told)
	case "log":
		d.mu.Lock()
		told := more{"log": d.log}
		for name, n := range d.counters {
			told[name] = n
		}
		d.mu.Unlock()
		tell("log", told)
	default:
		tell("error", more{"of": "command", "message": "no such command: " + c.Do})
	}
}

func main() {
	addr := flag.String("addr", "", "host:port")
	transport := flag.String("transport", "websocket", "websocket or websocket+protobuf")
	token := flag.String("token", "", "a JWT")
	room := flag.String("room", "", "a room")
	user := flag.String("user", "", "a user")
	flag.Parse()

	d := &driver{room: *room, tokens: make(chan string), log: [][]any{}}
	d.counters = map[string]int{"subscribed": 0, "recovered": 0, "not_recovered": 0, "duplicates": 0, "holes": 0}
	d.followed = map[string]int{
		"subscribed": 0, "received": 0, "faults": 0, "recovered": 0, "not_recovered": 0, "times": 0,
	}
	d.moved = sync.NewCond(&d.mu)
	config := centrifuge.Config{
		Token: *token,
		Name:  *user,
		GetToken: func(centrifuge.ConnectionTokenEvent) (string, error) {
			tell("token_wanted", nil)
			return <-d.tokens, nil
		},
		NetDialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			socket, err := (&net.Dialer{}).DialContext(ctx, network, addr)
			d.mu.Lock()
			d.socket = socket
			d.mu.Unlock()
			return socket, err
		},
		MinReconnectDelay: 100 * time.Millisecond,
		MaxReconnectDelay: time.Second,
	}
	endpoint := "ws://" + *addr + "/connection/websocket"
	switch *transport {
	case "websocket":
		d.client = centrifuge.NewJsonClient(endpoint, config)
	case "websocket+protobuf":
		d.client = centrifuge.NewProtobufClient(endpoint, config)
	default:
		fmt.Fprintln(os.Stderr, "this SDK knows no transport "+*transport)
		os.Exit(2)
	}
	d.client.OnConnecting(func(e centrifuge.ConnectingEvent) {
		tell("connecting", more{"code": e.Code, "reason": e.Reason})
	})
	d.client.OnConnected(func(e centrifuge.ConnectedEvent) {
		tell("connected", more{"client": e.ClientID, "transport": "websocket"})
	})
	d.client.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		tell("disconnected", more{"code": e.Code, "reason": e.Reason})
	})
	d.client.OnError(func(e centrifuge.ErrorEvent) { tellError("client", e.Error) })
	if err := d.client.Connect(); err != nil {
		tellError("client", err)
	}

	input := bufio.NewReader(os.Stdin)
	for {
		line, err := input.ReadString('\n')
		if err != nil || strings.Contains(line, `"quit"`) {
			break
		}
		var c command
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			tell("error", more{"of": "command", "message": err.Error()})
			continue
		}
		// A subscription is there for the commands behind it; others do not wait for each other.
		if c.Do == "subscribe" || c.Do == "follow" {
			d.obey(c)
		} else {
			go d.obey(c)
		}
	}
	_ = d.client.Disconnect()
	d.client.Close()
}
