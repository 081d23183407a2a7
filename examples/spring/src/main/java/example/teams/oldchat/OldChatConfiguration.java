package example.teams.oldchat;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisConnectionFactory;
import org.springframework.data.redis.listener.PatternTopic;
import org.springframework.data.redis.listener.RedisMessageListenerContainer;
import org.springframework.web.socket.config.annotation.EnableWebSocket;
import org.springframework.web.socket.config.annotation.WebSocketConfigurer;
import org.springframework.web.socket.config.annotation.WebSocketHandlerRegistry;

import java.nio.charset.StandardCharsets;

@Configuration
@EnableWebSocket
class OldChatConfiguration implements WebSocketConfigurer {

    private final OldChatSocket socket;

    OldChatConfiguration(OldChatSocket socket) {
        this.socket = socket;
    }

    @Override
    public void registerWebSocketHandlers(WebSocketHandlerRegistry registry) {
        registry.addHandler(socket, "/old-chat/*");
    }

    @Bean
    RedisMessageListenerContainer oldChatListener(RedisConnectionFactory redis) {
        var container = new RedisMessageListenerContainer();
        container.setConnectionFactory(redis);
        container.addMessageListener((message, pattern) -> {
            var channel = new String(message.getChannel(), StandardCharsets.UTF_8);
            socket.deliver(channel.substring(OldChatRelay.CHANNEL.length()), new String(message.getBody(), StandardCharsets.UTF_8));
        }, new PatternTopic(OldChatRelay.CHANNEL + "*"));
        return container;
    }
}
