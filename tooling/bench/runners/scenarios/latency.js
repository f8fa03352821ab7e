import { setTimeout as sleep } from 'node:timers/promises';
import { body } from '../message.js';
import { expectCounts } from './checks.js';

const WARM_UP = 50;

/**
 * Time from publish to handler with one message on the way at a time, and 2 ms of rest between them: milliseconds. A service that has
 * run for a second runs compiled code; `settings.warmUp` messages before those that count have it compiled here too.
 */
export async function latency(adapter, settings) {
  const warmUp = settings.warmUp ?? WARM_UP;
  const samples = [];
  let deliveries = 0;
  let arrived = () => {};
  const stop = await adapter.consume(({ args: [i] }) => {
    deliveries++;
    arrived(i);
  });
  for (let i = 0; i < settings.messages + warmUp; i++) {
    const handled = waitFor(settings, (resolve) => {
      arrived = resolve;
    });
    const started = performance.now();
    await Promise.all([
      adapter.publish(body(i, settings.bytes), i),
      handled.then((came) => {
        samples.push(performance.now() - started);
        if (came !== i) throw new Error(`message ${came} came in place of ${i}`);
      }),
    ]);
    await sleep(2);
  }
  await stop();
  await adapter.release?.();
  await expectCounts(adapter, settings, { stored: 0, inFlight: 0 });
  if (deliveries !== samples.length) throw new Error(`${deliveries - samples.length} messages came twice`);
  const sorted = samples.slice(warmUp).sort((a, b) => a - b);
  const at = (share) => sorted[Math.floor(sorted.length * share)];
  return { p50: at(0.5), p99: at(0.99) };
}

/** A promise that rejects when nothing has come for half a minute. */
function waitFor({ silenceMs = 30_000 }, register) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no message came within ${silenceMs / 1000} s`)), silenceMs);
    register((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
