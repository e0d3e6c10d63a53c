import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** BOOTSTRAP TOPIC PARTITION CODEC COUNT: records as Kafka's own producer writes them, with all kinds of headers. */
class Produce {
    public static void main(String[] arguments) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", arguments[0]);
        settings.put("compression.type", arguments[3]);
        settings.put("linger.ms", "20");
        ByteArraySerializer bytes = new ByteArraySerializer();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings, bytes, bytes)) {
            for (int number = 0; number < Integer.parseInt(arguments[4]); number++) {
                byte[] key = number % 3 == 0 ? null : ("java" + number).getBytes();
                byte[] value = number % 6 == 1 ? null : ("value " + number + " ").repeat(number % 50).getBytes();
                var record = new ProducerRecord<>(arguments[1], Integer.valueOf(arguments[2]), key, value);
                record.headers().add("text", "é".getBytes(java.nio.charset.StandardCharsets.UTF_8));
                record.headers().add("none", null);
                record.headers().add("bytes", new byte[] {(byte) 0xff, 0, (byte) 0xc3});
                producer.send(record);
            }
        }
    }
}
