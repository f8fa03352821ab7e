import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

const SCRIPT = `
  import { Connection, Queue } from '@kombu/core';
  const { module, transport, url, queue, prefetchCount } = JSON.parse(process.argv[1]);
  const connection = new Connection(url, { transport: (await import(module))[transport] });
  const consumer = connection.consumer({
    queues: [new Queue(queue)], autoDeclare: false, prefetchCount,
    onMessage: async (message) => { await message.ack({ confirm: true }); console.log(message.payload.n); },
  });
  await consumer.consume();
  process.stdin.on('end', () => connection.close()).resume();`;

/** @type {typeof import('./types.d.ts').startConsumers} */
export function startConsumers({ module, count = 4, ...rest }) {
  const args = ['--input-type=module', '-e', SCRIPT, JSON.stringify({ module: module.href, ...rest })];
  const cwd = path.dirname(fileURLToPath(module));
  const workers = Array.from({ length: count }, () => {
    const child = spawn(process.execPath, args, { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
    /** @type {number[]} */
    const seen = [];
    createInterface({ input: child.stdout }).on('line', (line) => seen.push(Number(line)));
    child.stdin.on('error', () => {});
    // 'close', not 'exit': by then everything that it said has been read.
    /** @type {Promise<number | NodeJS.Signals | null>} */
    const closed = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
    return { child, seen, closed };
  });
  const ended = () => Promise.all(workers.map(({ closed }) => closed));
  return {
    seen: workers.map(({ seen }) => seen),
    async received(total, { timeoutMs }) {
      const received = () => workers.reduce((sum, { seen }) => sum + seen.length, 0);
      await until(() => received() >= total, { what: `${total} messages have come`, timeoutMs });
    },
    end() {
      for (const { child } of workers) child.stdin.end();
      return ended();
    },
    async [Symbol.asyncDispose]() {
      for (const { child } of workers) child.kill('SIGKILL');
      await ended();
    },
  };
}
