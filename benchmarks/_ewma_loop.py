"""The yardstick: a hand-written confluent-kafka loop that decodes, keeps an EWMA, encodes.

At-least-once, one process, fastavro for both codecs. Run as
`python -m benchmarks._ewma_loop BOOTSTRAP TICKS_TOPIC OUTPUT_TOPIC COUNT`.
"""

import json
import sys
from importlib.resources import files
from io import BytesIO
from typing import Any

from confluent_kafka import Consumer, Producer
from fastavro import parse_schema, schemaless_reader, schemaless_writer

_OUTPUT = parse_schema(
    {
        "type": "record",
        "name": "Ewma",
        "fields": [
            {"name": "asset_id", "type": "string"},
            {"name": "timestamp_ns", "type": "long"},
            {"name": "ewma", "type": "double"},
        ],
    }
)


def main(bootstrap: str, ticks: str, output: str, count: int) -> None:
    """Answer `count` ticks and end."""
    tick = parse_schema(json.loads((files("schemas") / "avro" / "Tick.avsc").read_text()))
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"ewma-{output}",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": True,
        }
    )
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "compression.type": "lz4"})
    consumer.subscribe([ticks])
    means: dict[str, float] = {}
    done = 0
    while done < count:
        for message in consumer.consume(1_000, 0.1):
            value = message.value() or b""
            record: Any = schemaless_reader(BytesIO(value[10:]), tick, None)
            asset: str = record["asset_id"]
            price: float = record["price"]
            means[asset] = 0.9 * means.get(asset, price) + 0.1 * price
            buffer = BytesIO()
            answer = {
                "asset_id": asset,
                "timestamp_ns": record["timestamp_ns"],
                "ewma": means[asset],
            }
            schemaless_writer(buffer, _OUTPUT, answer)
            producer.produce(output, buffer.getvalue(), message.key(), message.partition() or 0)
            done += 1
        producer.poll(0)
        while len(producer) > 50_000:
            producer.poll(0.01)
    producer.flush()
    consumer.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
