package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillframe.client.Client;
import io.stillframe.client.ClientBuilder;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** DRIVER TARGET TENANT [--tls-ca FILE]: see tests/polyglot/README.md. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
        ClientBuilder builder = Client.builder(args[0]).tenant(args[1]);
        if (args.length == 4 && args[2].equals("--tls-ca")) {
            builder.tls(new File(args[3]));
        }
        BufferedReader in =
                new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        try (Driver driver = new Driver(builder.build())) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                ObjectNode answer = driver.answer(Json.read(line));
                out.println(Json.write(answer));
            }
        }
    }
}
