import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.message.BinaryMessageDecoder;
import org.apache.avro.message.SchemaStore;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Follows results and flag events, prints each once as JSON, and commits what it has printed.
 *
 * <pre>java -cp 'jars/*' Subscriber.java --bootstrap localhost:9092 --schemas schemas/avro</pre>
 *
 * README.md beside this file says where the two jars come from and what all options are.
 */
public final class Subscriber {

  /** Your part. Results of one asset come in order, none is missing, none comes twice. */
  static void take(ConsumerRecord<byte[], byte[]> message, GenericRecord record) {
    System.out.println(
        "{\"topic\": \"%s\", \"partition\": %d, \"offset\": %d, \"record\": %s}"
            .formatted(message.topic(), message.partition(), message.offset(), record));
  }

  public static void main(String[] arguments) throws Exception {
    Options options = Options.of(arguments);
    System.setOut(new PrintStream(new FileOutputStream(FileDescriptor.out), true, UTF_8));
    Decoder decoder = new Decoder(options);
    Seen seen = new Seen(1_000_000);
    KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(options.client);
    Thread loop = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(consumer, loop)));
    try (consumer) {
      consumer.subscribe(options.topics);
      for (long taken = 0; taken < options.limit; ) {
        for (ConsumerRecord<byte[], byte[]> message : consumer.poll(Duration.ofSeconds(1))) {
          GenericRecord record = decoder.decode(message);
          if (seen.add(identity(record))) {
            take(message, record);
            taken++;
          }
        }
        consumer.commitSync(); // after the work: at least once for you
      }
    } catch (WakeupException stopped) {
      // SIGTERM or SIGINT: whatever was not committed comes again.
    }
  }

  /** What stays the same when a record comes again: an event's id, a result's tick. */
  static Object identity(GenericRecord record) {
    if (record.hasField("event_id")) {
      return record.get("event_id").toString();
    }
    return new Cause(
        record.get("source_topic").toString(),
        (Integer) record.get("source_partition"),
        (Long) record.get("source_offset"));
  }

  record Cause(String topic, int partition, long offset) {}

  /** A set that forgets the oldest; {@code limit} bounds the memory. */
  static final class Seen {
    private final Map<Object, Boolean> kept;

    Seen(int limit) {
      kept =
          new LinkedHashMap<>() {
            @Override
            protected boolean removeEldestEntry(Map.Entry<Object, Boolean> eldest) {
              return size() > limit;
            }
          };
    }

    /** Whether it was not there. */
    boolean add(Object identity) {
      return kept.putIfAbsent(identity, true) == null;
    }
  }

  /** A record out of a message, in whichever of the two framings it is. */
  static final class Decoder {
    private static final byte SINGLE_OBJECT = (byte) 0xC3;
    private static final int REGISTRY_HEADER_BYTES = 5;

    private final Path folder;
    private final Registry registry;
    private final SchemaStore.Cache known = new SchemaStore.Cache();
    private final Map<Long, BinaryMessageDecoder<GenericRecord>> byFingerprint = new HashMap<>();
    private final Map<Integer, GenericDatumReader<GenericRecord>> byId = new HashMap<>();

    Decoder(Options options) throws IOException {
      folder = options.schemas;
      registry = options.registry == null ? null : new Registry(options.registry);
      if (folder != null) {
        try (var files = Files.walk(folder)) {
          for (Path file : files.filter(one -> one.toString().endsWith(".avsc")).toList()) {
            known.addSchema(new Schema.Parser().parse(Files.readString(file)));
          }
        }
      }
    }

    GenericRecord decode(ConsumerRecord<byte[], byte[]> message) throws Exception {
      byte[] value = message.value();
      return value[0] == SINGLE_OBJECT ? bySchemaFile(message) : byRegistry(value);
    }

    /** Avro single-object encoding: two bytes, the schema's fingerprint, the body. */
    private GenericRecord bySchemaFile(ConsumerRecord<byte[], byte[]> message) throws IOException {
      byte[] value = message.value();
      long fingerprint =
          ByteBuffer.wrap(value, 2, 8).order(ByteOrder.LITTLE_ENDIAN).getLong();
      Schema schema = known.findByFingerprint(fingerprint);
      if (schema == null) {
        throw new IllegalStateException(
            "%s[%d]@%d: its schema is not in %s; take the schemas of the fleet's release"
                .formatted(message.topic(), message.partition(), message.offset(), folder));
      }
      return byFingerprint
          .computeIfAbsent(fingerprint, it -> new BinaryMessageDecoder<>(GenericData.get(), schema))
          .decode(value);
    }

    /** The Confluent wire format: a zero, the schema's id in the registry, the body. */
    private GenericRecord byRegistry(byte[] value) throws Exception {
      if (registry == null) {
        throw new IllegalStateException("the records name a schema in a registry: give --registry");
      }
      int id = ByteBuffer.wrap(value, 1, 4).getInt();
      GenericDatumReader<GenericRecord> reader = byId.get(id);
      if (reader == null) {
        reader = new GenericDatumReader<>(registry.schema(id));
        byId.put(id, reader);
      }
      int size = value.length - REGISTRY_HEADER_BYTES;
      return reader.read(
          null, DecoderFactory.get().binaryDecoder(value, REGISTRY_HEADER_BYTES, size, null));
    }
  }

  /** The one question that a reader asks a schema registry. */
  record Registry(String url, HttpClient http) {
    Registry(String url) {
      this(url, HttpClient.newHttpClient());
    }

    Schema schema(int id) throws IOException, InterruptedException {
      URI where = URI.create(url + "/schemas/ids/" + id);
      HttpResponse<String> answer =
          http.send(
              HttpRequest.newBuilder(where).timeout(Duration.ofSeconds(10)).build(),
              HttpResponse.BodyHandlers.ofString(UTF_8));
      if (answer.statusCode() != 200) {
        throw new IOException(where + " answered " + answer.statusCode());
      }
      // {"schema": "…"}: the document is a string in JSON, and Avro brings a parser of JSON.
      JsonNode json = new ObjectMapper().readTree(answer.body());
      return new Schema.Parser().parse(json.get("schema").asText());
    }
  }

  /** The command line. */
  record Options(
      List<String> topics, Path schemas, String registry, long limit, Properties client) {
    private static final List<String> KNOWN =
        List.of(
            "--bootstrap", "--topics", "--group", "--schemas", "--registry", "--client", "--limit");

    static Options of(String[] arguments) throws IOException {
      Map<String, String> given = new HashMap<>();
      for (int at = 0; at < arguments.length; at += 2) {
        if (!KNOWN.contains(arguments[at]) || at + 1 == arguments.length) {
          throw refuse(arguments[at] + " is unknown or has no value; known are " + KNOWN);
        }
        given.put(arguments[at], arguments[at + 1]);
      }
      if (!given.containsKey("--schemas") && !given.containsKey("--registry")) {
        throw refuse("give --schemas FOLDER or --registry URL");
      }
      return new Options(
          List.of(given.getOrDefault("--topics", "predictions,flags").split(",")),
          given.containsKey("--schemas") ? Path.of(given.get("--schemas")) : null,
          given.get("--registry"),
          Long.parseLong(given.getOrDefault("--limit", String.valueOf(Long.MAX_VALUE))),
          clientOf(given));
    }

    private static Properties clientOf(Map<String, String> given) throws IOException {
      Properties client = new Properties();
      // Security and whatever else of the client's own, as Kafka's tools take it.
      if (given.containsKey("--client")) {
        try (var file = Files.newBufferedReader(Path.of(given.get("--client")))) {
          client.load(file);
        }
      }
      client.put("bootstrap.servers", given.getOrDefault("--bootstrap", "localhost:9092"));
      client.put("group.id", given.getOrDefault("--group", "desk-java"));
      // Without this, records of transactions that were aborted would be seen.
      client.put("isolation.level", "read_committed");
      client.put("enable.auto.commit", "false");
      client.put("auto.offset.reset", "earliest");
      client.put("key.deserializer", ByteArrayDeserializer.class.getName());
      client.put("value.deserializer", ByteArrayDeserializer.class.getName());
      return client;
    }

    private static RuntimeException refuse(String reason) {
      System.err.println("error: " + reason);
      System.exit(2);
      return new IllegalArgumentException(reason);
    }
  }

  private static void stop(KafkaConsumer<byte[], byte[]> consumer, Thread loop) {
    consumer.wakeup();
    try {
      loop.join(10_000);
    } catch (InterruptedException impatient) {
      Thread.currentThread().interrupt();
    }
  }
}
