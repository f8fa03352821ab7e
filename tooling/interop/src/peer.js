import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { endWithUs, isUnavailable } from '@kombu/brokers';
import { findPython, missingModule } from './python.js';
import { fromWire, toWire } from './values.js';

const PROGRAM = path.join(import.meta.dirname, '..', 'peer.py');
const CALL_MS = 30_000;
const LOG_TAIL = 4000;

/** @type {typeof import('./types.d.ts').startPython} */
export async function startPython({ version = '5.2', transport, module } = {}) {
  const found = await findPython(version, transport);
  if (isUnavailable(found)) return found;
  const missing = module && (await missingModule(found.python, module));
  if (missing !== undefined) return { unavailable: missing };
  const peer = new Process(found.python);
  const hello = await peer.ready;
  return methods(peer, hello);
}

/** The process: calls go in as lines, answers come back as lines. */
class Process {
  /** @type {Map<number, { resolve: (value: any) => void, reject: (error: Error) => void }>} */
  #calls = new Map();
  #next = 1;
  #log = '';
  #child;
  /** @type {Promise<void>} */
  exited;
  /** @type {Promise<{ kombu: string, python: string }>} */
  ready;

  /** @param {string} python */
  constructor(python) {
    const env = { ...process.env, PYTHONUNBUFFERED: '1', PYTHONDONTWRITEBYTECODE: '1' };
    const child = spawn(python, [PROGRAM], { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child = child;
    const release = child.pid === undefined ? () => {} : endWithUs(child.pid);
    this.ready = new Promise((resolve, reject) => this.#calls.set(0, { resolve, reject }));
    this.exited = new Promise((resolve) => {
      const end = () => {
        release();
        for (const call of this.#calls.values()) call.reject(new Error(`the Python peer ended\n${this.#log}`));
        this.#calls.clear();
        resolve();
      };
      child.once('close', end);
      child.once('error', (error) => {
        this.#log += error.message;
        end();
      });
    });
    child.stdin.on('error', () => {});
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#log = (this.#log + text).slice(-LOG_TAIL);
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { id, ok, error } = JSON.parse(line);
      const call = this.#calls.get(id);
      this.#calls.delete(id);
      if (error !== undefined) call?.reject(new Error(error));
      else call?.resolve(fromWire(ok));
    });
  }

  get pid() {
    return this.#child.pid ?? -1;
  }

  get log() {
    return this.#log;
  }

  /**
   * @param {string} op
   * @param {import('./types.d.ts').Json} [options]
   * @param {{ timeoutMs?: number }} [o]
   * @returns {Promise<any>}
   */
  call(op, options = {}, { timeoutMs = CALL_MS } = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#calls.delete(id);
        reject(new Error(`the Python peer did not answer ${op} within ${timeoutMs} ms\n${this.#log}`));
      }, timeoutMs);
      /** @param {(value: any) => void} settle */
      const settled = (settle) => (/** @type {any} */ value) => {
        clearTimeout(timer);
        settle(value);
      };
      this.#calls.set(id, { resolve: settled(resolve), reject: settled(reject) });
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        this.#calls.get(id)?.reject(new Error('the Python peer has ended'));
        this.#calls.delete(id);
        return;
      }
      this.#child.stdin.write(`${JSON.stringify({ id, op, options: toWire(options) })}\n`);
    });
  }

  /** Ends it by closing its input; by SIGKILL when it takes too long. */
  async end() {
    this.#child.stdin.end();
    const timer = setTimeout(() => void this.crash(), 10_000);
    await this.exited;
    clearTimeout(timer);
  }

  async crash() {
    this.#child.kill('SIGKILL');
    await this.exited;
  }
}

/**
 * @param {Process} peer
 * @param {{ kombu: string, python: string }} hello
 * @returns {import('./types.d.ts').PythonPeer}
 */
function methods(peer, hello) {
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= peer.end();
    return closing;
  };
  /** @param {number} seconds a call that takes this long by itself */
  const longer = (seconds) => ({ timeoutMs: CALL_MS + seconds * 1000 });
  return {
    version: hello.kombu,
    pythonVersion: hello.python,
    get pid() {
      return peer.pid;
    },
    open: (url, options = {}) => peer.call('open', { url, options }),
    declare: (what) => peer.call('declare', what),
    publish: (body, options = {}) => peer.call('publish', { bodies: [body], options }),
    publishMany: (bodies, options = {}) => peer.call('publish', { bodies, options }, longer(bodies.length / 100)),
    get: async (queue, options = {}) => (await peer.call('get', { queue, ...options })) ?? undefined,
    consume: (queues, options) =>
      peer.call(
        'consume',
        { queues: Array.isArray(queues) ? queues : [queues], ...options },
        longer(options.timeout ?? 10),
      ),
    settle: (tag, outcome) => peer.call('settle', { tag, outcome }),
    purge: (queue) => peer.call('purge', { queue }),
    deleteQueue: (queue, options = {}) => peer.call('delete_queue', { queue, ...options }),
    deleteExchange: (exchange) => peer.call('delete_exchange', { exchange }),
    size: (queue) => peer.call('size', { queue }),
    dumps: (value, serializer) => peer.call('dumps', { value, serializer }),
    loads: (data, content_type, content_encoding) => peer.call('loads', { data, content_type, content_encoding }),
    compress: (data, method) => peer.call('compress', { data, method }),
    decompress: (data, content_type) => peer.call('decompress', { data, content_type }),
    inspect: (namespace, method, options = {}) =>
      peer.call('inspect', { namespace, method, ...options }, longer(options.timeout ?? 1)),
    serveMailbox: (namespace, options) =>
      peer.call('serve_mailbox', { namespace, ...options }, longer(options.timeout)),
    call: (op, options, o) => peer.call(op, options, o),
    log: () => peer.log,
    close,
    crash: () => peer.crash(),
    [Symbol.asyncDispose]: close,
  };
}
