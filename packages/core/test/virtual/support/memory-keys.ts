import { uuid } from '../../../src/util/id.js';
import type { KeyValueStep, KeyValueStore } from '../../../src/virtual/key-value-store.js';

/** A store of keys in this process, which answers later, and whose sessions can be ended. */
export class MemoryKeys {
  readonly entries = new Map<string, { readonly value: string; readonly version: string }>();
  readonly sessions = new Set<string>();
  readonly #listeners = new Set<(key: string) => void>();
  /** How many commits were asked for, and how many of them came too late. */
  commits = 0;
  refused = 0;
  reads = 0;
  /** Called before each commit that is tried: the moment at which others can come between. */
  beforeCommit: (steps: readonly KeyValueStep[]) => Promise<void> = async () => {};
  #revision = 0;
  readonly #maxSteps: number;

  constructor(maxSteps = 10) {
    this.#maxSteps = maxSteps;
  }

  /** A link to it, with a session of its own. */
  open(): KeyValueStore {
    const session = uuid();
    this.sessions.add(session);
    const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const versionOf = (key: string): string => this.entries.get(key)?.version ?? '0';
    return {
      session,
      maxSteps: this.#maxSteps,
      get: async (key) => {
        this.reads++;
        await later();
        return { value: this.entries.get(key)?.value, version: versionOf(key) };
      },
      commit: async (steps) => {
        this.commits++;
        if (steps.length > this.#maxSteps) throw new RangeError(`${steps.length} steps in one commit`);
        if (new Set(steps.map(({ key }) => key)).size < steps.length) throw new RangeError('two steps on one key');
        await later();
        await this.beforeCommit(steps);
        if (steps.some(({ key, version }) => versionOf(key) !== version)) {
          this.refused++;
          return false;
        }
        const version = String(++this.#revision);
        for (const { kind, key, value = '' } of steps) {
          if (kind === 'put') this.entries.set(key, { value, version });
          if (kind !== 'remove' || !this.entries.delete(key)) continue;
          for (const listener of this.#listeners) listener(key);
        }
        return true;
      },
      isLive: async (one) => {
        await later();
        return this.sessions.has(one);
      },
      onRemoved: (prefix, listener) => {
        const filtered = (key: string): void => (key.startsWith(prefix) ? listener(key) : undefined);
        this.#listeners.add(filtered);
        return () => this.#listeners.delete(filtered);
      },
    };
  }

  /** What a key holds. */
  json(key: string): unknown {
    const value = this.entries.get(key)?.value;
    return value === undefined ? undefined : JSON.parse(value);
  }
}
