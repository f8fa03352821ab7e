// The floor: JSON and Buffer both ways, through an array, in the scenarios that every broker goes through.
import { run } from './scenarios.js';

const queue = [];
let inFlight = 0;

await run({
  async open() {},
  async clear() {
    queue.length = 0;
  },
  publish(body) {
    queue.push(Buffer.from(JSON.stringify(body)));
    return Promise.resolve();
  },
  counts: async () => ({ stored: queue.length, inFlight }),
  async consume(onBody) {
    for (const bytes of queue.splice(0)) {
      inFlight++;
      onBody(JSON.parse(bytes.toString()));
      inFlight--;
    }
    return async () => {};
  },
  async close() {},
});
