"""Python Kombu over any broker: publish, consume + ack, with the same bodies and the same checks."""

import json
import sys
import time

from kombu import Connection, Exchange, Queue

settings = json.loads(sys.argv[-1])
name = "py.%s" % settings["id"]
exchange = Exchange(name, type="direct")
queue = Queue(name, exchange, routing_key=name)


def body(i):
    return {
        "task": "media.encode",
        "id": "0f3e5c1e-%08d" % i,
        "args": [i, "lolcat.avi", {"width": 1280, "height": 720}],
        "retries": 0,
        "eta": None,
        "tags": ["a", "b"],
    }


def meter():
    """Starts to measure; the result, called with the number of messages, gives the time and the CPU time of each."""
    started, cpu = time.perf_counter(), time.process_time()

    def stop(messages):
        spent = time.process_time() - cpu
        return {"messages": messages, "seconds": time.perf_counter() - started, "clientCpu": spent * 1e6 / messages}

    return stop


def stored(channel):
    return queue(channel).queue_declare().message_count


def publish(connection, messages):
    channel = connection.channel()
    producer = connection.Producer(channel, exchange=exchange, routing_key=name, auto_declare=False)
    stop = meter()
    for i in range(messages):
        producer.publish(body(i))
    figures = stop(messages)
    deadline = time.time() + 10
    while stored(channel) != messages and time.time() < deadline:
        time.sleep(0.02)
    assert stored(channel) == messages, "stored %d of %d" % (stored(channel), messages)
    channel.close()
    return figures


def consume(connection, messages):
    seen = []

    def on_message(payload, message):
        seen.append(payload["args"][0])
        message.ack()

    channel = connection.channel()
    consumer = connection.Consumer([queue], channel, callbacks=[on_message], accept=["json"])
    consumer.qos(prefetch_count=settings.get("prefetch", 100))
    stop = meter()
    with consumer:
        while len(seen) < messages:
            connection.drain_events(timeout=30)
    figures = stop(messages)
    assert sorted(seen) == list(range(messages)), "a message is missing or doubled"
    channel.close()
    return figures


def latency(connection, messages):
    """Time from publish to handler in one thread, one message on the way at a time: milliseconds."""
    samples = []
    arrived = []

    def on_message(payload, message):
        arrived.append(payload["args"][0])
        message.ack()

    channel = connection.channel()
    producer = connection.Producer(connection.channel(), exchange=exchange, routing_key=name, auto_declare=False)
    with connection.Consumer([queue], channel, callbacks=[on_message], accept=["json"]):
        for i in range(messages + 20):
            started = time.perf_counter()
            producer.publish(body(i))
            while len(arrived) <= i:
                connection.drain_events(timeout=30)
            samples.append((time.perf_counter() - started) * 1000)
            time.sleep(0.002)
    assert arrived == list(range(messages + 20)), "a message is missing or doubled"
    channel.close()
    samples = sorted(samples[20:])
    return {"p50": samples[len(samples) // 2], "p99": samples[int(len(samples) * 0.99)]}


options = {"confirm_publish": True} if settings.get("confirm") else {}
url = settings["url"]
if url.startswith("filesystem://"):
    folder = url[len("filesystem://"):]
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder + "/control"}
    url = "filesystem://"
with Connection(url, transport_options=options) as connection:
    channel = connection.channel()
    queue(channel).declare()
    messages = settings["messages"]
    if settings["scenario"] == "publish":
        figures = publish(connection, messages)
    elif settings["scenario"] == "latency":
        figures = latency(connection, messages)
    else:
        publish(connection, messages)
        figures = consume(connection, messages)
    if settings["scenario"] != "publish":
        assert stored(channel) == 0, "%d messages are left" % stored(channel)
    try:
        queue(channel).purge()
        queue(channel).delete()
    except Exception as error:  # Some of its transports can do neither. Everything was counted before.
        print("cleaning up: %r" % error, file=sys.stderr)
print(json.dumps(figures))
