package io.stillframe.polyglot;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.protobuf.ByteString;
import io.stillframe.client.Client;
import io.stillframe.client.KeyInfo;
import io.stillframe.client.StoredValue;
import io.stillframe.client.ValueSet;
import io.stillframe.client.WorkingMemory;
import java.util.Map;
import java.util.function.Function;

/** The commands of the working memory. */
record MemoryCommands(Function<Args, Client> at) {
    void addTo(Map<String, Function<Args, ObjectNode>> commands) {
        commands.put("set_value", this::setValue);
        commands.put("get_value", this::getValue);
        commands.put("delete_value", this::deleteValue);
        commands.put("list_keys", this::listKeys);
    }

    private WorkingMemory memory(Args args) {
        Client client = at.apply(args);
        return args.has("execution_id")
                ? client.workingMemory(args.text("execution_id"))
                : client.workingMemory();
    }

    private ObjectNode setValue(Args args) {
        ByteString value =
                args.has("value") ? Values.bytes(args.text("value")) : ByteString.EMPTY;
        ValueSet set =
                memory(args)
                        .setValue(
                                args.text("key"),
                                value,
                                options -> {
                                    args.ifSeconds("ttl", options::ttl);
                                    args.ifText("expected_etag", options::expectedEtag);
                                    args.ifFlag("must_not_exist", options::mustNotExist);
                                    args.ifText("request_id", options::requestId);
                                });
        ObjectNode written = Json.object();
        written.put("etag", set.etag()).put("commit_time", Written.time(set.commitTime()));
        set.expireTime().ifPresent(each -> written.put("expire_time", Written.time(each)));
        return written;
    }

    private ObjectNode getValue(Args args) {
        StoredValue stored = memory(args).getValue(args.text("key"));
        ObjectNode written = Json.object();
        written.put("value", Values.base64(stored.value())).put("etag", stored.etag());
        written.put("commit_time", Written.time(stored.commitTime()));
        stored.expireTime().ifPresent(each -> written.put("expire_time", Written.time(each)));
        return written;
    }

    private ObjectNode deleteValue(Args args) {
        String key = args.text("key");
        WorkingMemory memory = memory(args);
        boolean deleted =
                args.has("expected_etag")
                        ? memory.deleteValue(key, args.text("expected_etag"))
                        : memory.deleteValue(key);
        return Json.object().put("deleted", deleted);
    }

    private ObjectNode listKeys(Args args) {
        ObjectNode written = Json.object();
        ArrayNode keys = written.putArray("keys");
        for (KeyInfo each :
                memory(args)
                        .listKeys(
                                options -> {
                                    args.ifText("key_prefix", options::keyPrefix);
                                    args.ifInt("page_size", options::pageSize);
                                })) {
            ObjectNode key = keys.addObject();
            key.put("key", each.key()).put("etag", each.etag());
            key.put("size_bytes", Written.number(each.sizeBytes()));
            key.put("commit_time", Written.time(each.commitTime()));
            each.expireTime().ifPresent(time -> key.put("expire_time", Written.time(time)));
        }
        return written;
    }
}
