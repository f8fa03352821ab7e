import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConnectionOptions } from '@kombu/core';
import type { BrokerHandle, ChildHook } from '../hooks.js';
import { within } from '../wait.js';
import { Ledger } from './ledger.js';
import type { Commands, Said } from './protocol.js';

/** The built agent of this package, wherever this module itself runs from. */
function agentPath(): string {
  let folder = import.meta.dirname;
  for (;;) {
    const manifest = path.join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === '@kombu/conformance') break;
    const parent = path.dirname(folder);
    if (parent === folder) throw new Error('the folder of @kombu/conformance was not found');
    folder = parent;
  }
  const agent = path.join(folder, 'dist/child/agent.js');
  if (!existsSync(agent)) throw new Error(`${agent} is not there: build the package first`);
  return agent;
}

/** The file that a child imports its transport from. */
function modulePath(hook: ChildHook): string | undefined {
  if (hook.module === undefined) return undefined;
  const name = String(hook.module);
  if (name.startsWith('file:') || path.isAbsolute(name)) return name;
  const from = String(hook.from ?? path.join(process.cwd(), 'index.js'));
  return createRequire(from.startsWith('file:') ? fileURLToPath(from) : from).resolve(name);
}

/** A running child process. */
export class ChildProcessHandle {
  readonly ledger = new Ledger();
  readonly #process: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #waiting = new Map<number, { resolve(): void; reject(reason: Error): void }>();
  readonly #listening = new Set<() => void>();
  readonly #waitMs: number;
  #requests = 0;
  #errors = '';
  #over = false;
  #how = '';

  constructor(child: ChildProcess, waitMs: number) {
    this.#process = child;
    this.#waitMs = waitMs;
    if (child.stdout === null || child.stderr === null) throw new TypeError('a child process needs pipes');
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as Said));
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    // 'close', not 'exit': by then everything that it said has been read.
    this.#exited = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#over = true;
        this.#how = `the child process ended (${signal ?? `code ${code}`}) ${this.#errors}`;
        const ended = new Error(this.#how);
        for (const call of this.#waiting.values()) call.reject(ended);
        this.#waiting.clear();
        for (const look of this.#listening) look();
        resolve();
      });
    });
    child.stdin?.on('error', () => {});
  }

  #hear(said: Said): void {
    if (said.say !== 'done' && said.say !== 'failed') {
      this.ledger.note(said);
      for (const look of this.#listening) look();
      return;
    }
    const call = this.#waiting.get(said.n);
    this.#waiting.delete(said.n);
    if (said.say === 'done') call?.resolve();
    else call?.reject(new ChildError(said.code, said.message));
  }

  /** Has the child do something; rejects with {@link ChildError} when it failed there. */
  async tell<K extends keyof Commands>(command: K, o: Commands[K]): Promise<void> {
    const n = ++this.#requests;
    const done = new Promise<void>((resolve, reject) => this.#waiting.set(n, { resolve, reject }));
    this.#process.stdin?.write(`${JSON.stringify({ n, command, with: o })}\n`);
    await within(done, this.#waitMs, `${command} in a child process`);
  }

  /** Waits for something that the child says; goes on at once when it is said, to catch a child in the middle of something. */
  async until(what: string, condition: (ledger: Ledger) => boolean, ms = this.#waitMs): Promise<void> {
    let look = (): void => {};
    const found = new Promise<void>((resolve, reject) => {
      look = () => {
        if (this.#over) reject(new Error(`${what}: ${this.#how}`));
        else if (condition(this.ledger)) resolve();
      };
    });
    this.#listening.add(look);
    look();
    try {
      await within(found, ms, what);
    } finally {
      this.#listening.delete(look);
    }
  }

  /** SIGKILL, at once. Resolves with the ids that it held unsettled when it died. */
  async kill(): Promise<string[]> {
    this.#process.kill('SIGKILL');
    await this.#exited;
    return this.ledger.held;
  }

  /** Closes its connection and ends it. */
  async stop(): Promise<void> {
    if (this.#over) return;
    try {
      await this.tell('close', {});
    } finally {
      this.#process.stdin?.end();
      const killer = setTimeout(() => this.#process.kill('SIGKILL'), this.#waitMs);
      await this.#exited;
      clearTimeout(killer);
    }
  }
}

/** A command failed in a child process. */
export class ChildError extends Error {
  /** The code of the KombuError that it was there, else empty. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(`in a child process: ${message}`);
    this.code = code;
  }
}

/** Starts a child process and has it connect. */
export async function startChild(
  hook: ChildHook,
  broker: BrokerHandle,
  options: ConnectionOptions,
  waitMs: number,
): Promise<ChildProcessHandle> {
  const module = modulePath(hook);
  const target = hook.connect?.(broker) ?? { url: broker.url };
  const child = spawn(process.execPath, [...(hook.execArgv ?? []), agentPath()], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '', ...hook.env },
  });
  const handle = new ChildProcessHandle(child, waitMs);
  const given = (target.options ?? {}) as ConnectionOptions;
  const merged = {
    ...given,
    ...options,
    transportOptions: { ...given.transportOptions, ...options.transportOptions },
  };
  try {
    await handle.tell('connect', { url: target.url, options: merged, ...(module === undefined ? {} : { module }) });
  } catch (error) {
    await handle.kill();
    throw error;
  }
  return handle;
}
