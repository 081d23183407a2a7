import org.openapitools.client.ApiClient;
import org.openapitools.client.api.MessagesApi;
import org.openapitools.client.api.RoomsApi;
import org.openapitools.client.model.NewMember;
import org.openapitools.client.model.NewMessage;
import org.openapitools.client.model.NewRoom;

import java.util.List;

/** Makes a room, sends a message and reads it, by the generated client for Spring. */
public class Use {
    public static void main(String[] args) {
        var room = System.getenv("ROOM");
        var client = new ApiClient();
        client.setBasePath(System.getenv("HUBBUB_URL"));
        client.setBearerToken(System.getenv("HUBBUB_KEY"));
        var ana = new NewMember().user("ana").role(NewMember.RoleEnum.ADMIN);
        var made = new RoomsApi(client).createRoom(
            new NewRoom().id(room).kind(NewRoom.KindEnum.PRIVATE).name("Java").members(List.of(ana)));
        var messages = new MessagesApi(client);
        var sent = messages.send(room, new NewMessage().from("ana").text("from Java"), null, "java-1");
        var page = messages.messages(room, null, null, null, null, null);
        // This generator makes one class of all kinds.
        var last = page.getEntries().get(page.getEntries().size() - 1);
        if (!last.getType().equals("message")) {
            throw new IllegalStateException(last.toString());
        }
        System.out.println(made.getId() + " " + sent.getSeq() + " " + last.getText());
    }
}
