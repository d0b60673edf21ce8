package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.stillframe.client.Client;
import io.stillframe.client.Saved;
import io.stillframe.client.Saver;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** The commands of background savers. */
final class SaverCommands {
    private final Function<Args, Client> at;
    private final Map<String, Saver> savers = new HashMap<>();

    SaverCommands(Function<Args, Client> at) {
        this.at = at;
    }

    void addTo(Map<String, Function<Args, ObjectNode>> commands) {
        commands.put("saver_open", this::open);
        commands.put("saver_submit", this::submit);
        commands.put("saver_flush", this::flush);
        commands.put("saver_close", this::close);
    }

    private Saver saver(Args args) {
        return savers.get(args.text("saver"));
    }

    private ObjectNode open(Args args) {
        Saver saver =
                at.apply(args)
                        .saver(
                                args.text("execution_id"),
                                options -> {
                                    args.ifNumber("writer_epoch", options::writerEpoch);
                                    args.ifFlag("overwrite", options::overwrite);
                                    args.ifSeconds("max_absence", options::maxAbsence);
                                });
        savers.put(args.text("saver"), saver);
        return Json.object();
    }

    private ObjectNode submit(Args args) {
        saver(args).submit(Given.snapshot(args.part("snapshot")));
        return Json.object();
    }

    private ObjectNode flush(Args args) {
        Optional<Saved> saved =
                args.has("timeout")
                        ? saver(args).flush(args.seconds("timeout"))
                        : saver(args).flush();
        return saved.map(Written::saved).orElseGet(Json::object);
    }

    private ObjectNode close(Args args) {
        saver(args).close();
        return Json.object();
    }
}
