"""Makes a room, sends a message and reads it, by the generated client."""

import os

import openapi_client as api

room = os.environ["ROOM"]
settings = api.Configuration(host=os.environ["HUBBUB_URL"], access_token=os.environ["HUBBUB_KEY"])
with api.ApiClient(settings) as client:
    members = [api.NewMember(user="ana", role="admin")]
    made = api.RoomsApi(client).create_room(api.NewRoom(id=room, kind="private", name="Python", members=members))
    messages = api.MessagesApi(client)
    message = api.NewMessage(var_from="ana", text="from Python")
    sent = messages.send(room, message, idempotency_key="python-1")
    last = messages.messages(room).entries[-1].actual_instance
    assert isinstance(last, api.MessageEntry), last
    print(made.id, sent.seq, last.text)
