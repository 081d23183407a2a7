package example.teams.hubbub;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.nimbusds.jose.jwk.source.ImmutableSecret;
import hubbub.api.MembersApi;
import hubbub.api.MessagesApi;
import hubbub.api.RoomsApi;
import hubbub.api.SessionsApi;
import hubbub.client.ApiClient;
import org.springframework.boot.http.client.ClientHttpRequestFactoryBuilder;
import org.springframework.boot.http.client.ClientHttpRequestFactorySettings;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.client.ClientHttpRequestFactory;
import org.springframework.security.oauth2.jwt.JwtEncoder;
import org.springframework.security.oauth2.jwt.NimbusJwtEncoder;

import javax.crypto.spec.SecretKeySpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/** The client that Maven generates from Hubbub's own OpenAPI document. */
@Configuration
class HubbubConfiguration {

    /** What hangs is given up: every call that writes has a key and may be made again. */
    @Bean
    ClientHttpRequestFactory hubbubRequests() {
        var settings = ClientHttpRequestFactorySettings.defaults()
            .withConnectTimeout(Duration.ofSeconds(2)).withReadTimeout(Duration.ofSeconds(5));
        return ClientHttpRequestFactoryBuilder.jdk().build(settings);
    }

    @Bean
    ApiClient hubbubClient(HubbubProperties hubbub, ClientHttpRequestFactory requests) {
        var json = ApiClient.createDefaultObjectMapper(null).setSerializationInclusion(JsonInclude.Include.NON_NULL);
        var client = new ApiClient(ApiClient.buildRestClientBuilder(json).requestFactory(requests).build());
        client.setBasePath(hubbub.url());
        client.setBearerToken(hubbub.apiKey());
        return client;
    }

    @Bean
    RoomsApi rooms(ApiClient client) {
        return new RoomsApi(client);
    }

    @Bean
    MembersApi members(ApiClient client) {
        return new MembersApi(client);
    }

    @Bean
    MessagesApi messages(ApiClient client) {
        return new MessagesApi(client);
    }

    @Bean
    SessionsApi sessions(ApiClient client) {
        return new SessionsApi(client);
    }

    @Bean
    JwtEncoder tokens(HubbubProperties hubbub) {
        var secret = hubbub.tokenSecret().getBytes(StandardCharsets.UTF_8);
        return new NimbusJwtEncoder(new ImmutableSecret<>(new SecretKeySpec(secret, "HmacSHA256")));
    }
}
