import { setTimeout as delay } from 'node:timers/promises';
import { TestEnvironment } from 'jest-environment-node';
import { describeOpenSockets } from './open-sockets.js';

/** How long what a test file has closed may take to be gone. */
const GRACE_MS = 3000;

/**
 * Node's test environment, and a check that jest does not make: what keeps the event loop alive when a file's tests and
 * hooks are over is compared with what did before the file was loaded. What is left over fails the file, by name.
 */
export default class LeakCheckingEnvironment extends TestEnvironment {
  #before = new Map();

  async setup() {
    await super.setup();
    this.#before = countHandles();
  }

  async handleTestEvent(event, state) {
    if (event.name !== 'run_finish') return;
    const left = await leftOver(this.#before);
    if (left.length === 0) return;
    const what = `open handles when the tests of this file were over: ${left.join(', ')}. Close what they opened.`;
    const error = new Error([what, ...describeOpenSockets()].join('\n'));
    error.stack = error.message;
    state.unhandledErrors.push(error);
  }
}

/** Number of active handles and requests by type, such as Timeout, TCPSocketWrap, ProcessWrap. */
function countHandles() {
  const counts = new Map();
  for (const type of process.getActiveResourcesInfo()) counts.set(type, (counts.get(type) ?? 0) + 1);
  return counts;
}

async function leftOver(before) {
  const deadline = performance.now() + GRACE_MS;
  for (;;) {
    const left = [];
    for (const [type, count] of countHandles()) {
      const more = count - (before.get(type) ?? 0);
      if (more > 0) left.push(`${more} ${type}`);
    }
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(20);
  }
}
