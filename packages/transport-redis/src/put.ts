import { ChannelError, KombuError, OperationalError } from '@kombu/core';
import type {
  ExchangeTable,
  ItemFailure,
  PutEntry,
  PutRequest,
  PutResult,
  Reserved,
  VirtualDriver,
} from '@kombu/core/virtual';
import { type DriverContext, leaseHead } from './driver-context.js';
import type { Arg } from './link.js';
import { put as putScript } from './lua/put.js';
import { putLimited } from './lua/put-limited.js';
import { NO_TABLE, readTable, type TableVersion } from './routing-table.js';
import type { ScriptHead } from './script-call.js';
import { takenName } from './taken-name.js';
import { tokenOf } from './token.js';

/** Above so many characters a batch is sent in several commands: one command is one string in this process. */
const MAX_CHARS = 64 * 1024 * 1024;
/** How often a batch is sent again because the server lists the same bindings in another order. */
const MAX_REORDERED = 5;

const STORED: PutResult = { failures: [], evicted: [] };

interface List {
  readonly queue: string;
  readonly step: string;
  readonly payloads: string[];
}

/** Payloads by list, each list with its queue, its step and their number in front. */
function listsOf(entries: readonly PutEntry[], stepOf: readonly string[]): Arg[] {
  const lists = new Map<string, List>();
  let list: List | undefined;
  for (const { queue, priority, payload } of entries) {
    const step = stepOf[priority] ?? '0';
    // What is published together mostly goes to one list.
    if (list?.queue !== queue || list.step !== step) {
      const name = step + queue;
      list = lists.get(name) ?? { queue, step, payloads: [] };
      lists.set(name, list);
    }
    list.payloads.push(payload as string);
  }
  const args: Arg[] = [];
  for (const { queue, step, payloads } of lists.values()) {
    args.push(queue, step, payloads.length);
    for (const payload of payloads) args.push(payload);
  }
  return args;
}

function queuesOf(entries: readonly PutEntry[], stepOf: readonly string[]): Arg[] {
  const queues = new Map<string, PutEntry[]>();
  for (const entry of entries) {
    const list = queues.get(entry.queue);
    if (list === undefined) queues.set(entry.queue, [entry]);
    else list.push(entry);
  }
  const args: Arg[] = [queues.size];
  for (const [queue, list] of queues) {
    // The newest is what the queue's arguments are.
    const limits = list.at(-1)?.limits;
    args.push(queue, limits?.maxLength ?? '', limits?.maxLengthBytes ?? '', limits?.discard ? 1 : 0, list.length);
    for (const entry of list) args.push(stepOf[entry.priority] ?? '0', entry.payload as string);
  }
  return args;
}

/** Fails what is for places that hold something else; `numbers` count the places in the order in which they were written. */
function strangeOf(entries: readonly PutEntry[], numbers: string, placeOf: (entry: PutEntry) => string): ItemFailure[] {
  if (numbers === '') return [];
  const strange = new Set(numbers.split(',').map(Number));
  const places = new Map<string, number>();
  const failures: ItemFailure[] = [];
  for (const [index, entry] of entries.entries()) {
    const place = placeOf(entry);
    const number = places.get(place) ?? places.size + 1;
    places.set(place, number);
    if (!strange.has(number)) continue;
    const what = `the key of queue '${entry.queue}' holds something that is not a list`;
    failures.push({ index, error: new ChannelError('PRECONDITION_FAILED', what) });
  }
  return failures;
}

/** Cuts a batch that is too large for one command, never between the copies of one message. */
function cut(entries: readonly PutEntry[]): readonly (readonly PutEntry[])[] {
  let chars = 0;
  for (const entry of entries) chars += (entry.payload as string).length;
  if (chars <= MAX_CHARS) return [entries];
  const parts: PutEntry[][] = [];
  let part: PutEntry[] = [];
  chars = 0;
  for (const [i, entry] of entries.entries()) {
    if (chars > MAX_CHARS && entry.message !== entries[i - 1]?.message) {
      parts.push(part);
      part = [];
      chars = 0;
    }
    part.push(entry);
    chars += (entry.payload as string).length;
  }
  parts.push(part);
  return parts;
}

/** The part of the driver that stores messages: one script for a batch, checks of the routing tables included. */
export function createPut(context: DriverContext): VirtualDriver['put'] {
  const { link, keys, options } = context;
  const client = link.sockets.publisher;
  /** A batch of several commands holds up those after it. */
  let busy: Promise<unknown> | undefined;

  /** The exchanges that were checked last, and what their puts begin with. */
  let last: { readonly exchanges: readonly string[]; readonly head: ScriptHead } | undefined;
  const headOf = (check: PutRequest['check']): ScriptHead => {
    const { exchanges, head } = last ?? {};
    const same = exchanges?.length === check.length && check.every(({ exchange }, i) => exchange === exchanges[i]);
    if (same && head !== undefined) return head;
    const tables = check.flatMap(({ exchange }) => [keys.ownExchange(exchange), keys.binding(exchange)]);
    last = { exchanges: check.map(({ exchange }) => exchange), head: leaseHead(context, tables) };
    return last.head;
  };

  const readStale = (check: PutRequest['check'], reply: readonly unknown[]): ExchangeTable[] => {
    const changed: ExchangeTable[] = [];
    for (let i = 0; i + 3 < reply.length; i += 4) {
      const [number, version, own, members] = reply.slice(i, i + 4) as [number, string, string[], string[]];
      const checked = check[number - 1];
      if (checked === undefined) continue;
      const table = readTable(checked.exchange, version, own, members, keys.sep);
      const expected = checked.version as TableVersion | undefined;
      if (expected?.content === (table.version as TableVersion).content) expected.text = version;
      else changed.push(table);
    }
    return changed;
  };

  const evictedOf = (reply: readonly unknown[], owner: string): Reserved[] => {
    const evicted: Reserved[] = [];
    for (let i = 2; i + 2 < reply.length; i += 3) {
      const [queue, tag, payload] = reply.slice(i, i + 3) as [string, string, string];
      evicted.push({ queue, token: tokenOf(tag, `${owner}.${evicted.length + 1}`), payload });
    }
    return evicted;
  };

  const send = async (
    entries: readonly PutEntry[],
    check: PutRequest['check'],
    signal?: AbortSignal,
  ): Promise<PutResult> => {
    const limited = entries.some((entry) => entry.limits !== undefined);
    const head = headOf(check);
    const owner = limited ? context.nextOwner() : '';
    const rest = limited
      ? [owner, options.leaseMs ?? 60_000, context.serving.toReversed().join(','), ...queuesOf(entries, keys.stepOf)]
      : listsOf(entries, keys.stepOf);
    const script = limited ? putLimited : putScript;
    // On the same socket: a reserve that is sent from now on finds the messages, and need not wait for the reply.
    const wakeAll = (): boolean => {
      let woken = false;
      let last: string | undefined;
      if (client !== link.sockets.commands) return woken;
      for (const { queue } of entries) {
        if (queue !== last && context.wake(queue)) woken = true;
        last = queue;
      }
      return woken;
    };
    for (let attempt = 0; ; attempt++) {
      const versions = check.map(({ version }) => (version as TableVersion | undefined)?.text ?? NO_TABLE);
      const args: Arg[] = [check.length, ...versions];
      for (const arg of rest) args.push(arg);
      const reply = await link.run(script, head, args, signal, client, wakeAll);
      if (!Array.isArray(reply)) return STORED;
      if (reply[0] === null) {
        const placeOf = (entry: PutEntry) => (limited ? '' : (keys.stepOf[entry.priority] ?? '0')) + entry.queue;
        return { failures: strangeOf(entries, String(reply[1]), placeOf), evicted: evictedOf(reply, owner) };
      }
      const stale = readStale(check, reply);
      if (stale.length > 0 || attempt >= MAX_REORDERED) return { ...STORED, stale, stored: false };
    }
  };

  const confirm = async (signal?: AbortSignal): Promise<void> => {
    const { clock } = context.transport;
    const wanted = options.confirmReplicas;
    const until = clock.monotonic() + options.confirmReplicasTimeoutMs;
    for (let left = options.confirmReplicasTimeoutMs; ; left = until - clock.monotonic()) {
      const args = [wanted, Math.max(1, Math.ceil(Math.min(left, context.longestWaitMs)))];
      const got = Number(await link.call('WAIT', 'wait', args, signal, client));
      if (got >= wanted) return;
      if (until <= clock.monotonic()) {
        throw new OperationalError('BROKER_BUSY', `only ${got} of ${wanted} replicas have confirmed the messages`);
      }
    }
  };

  const sendAll = async (parts: readonly (readonly PutEntry[])[], request: PutRequest, signal?: AbortSignal) => {
    const evicted: Reserved[] = [];
    const failures: ItemFailure[] = [];
    let before = 0;
    for (const [i, part] of parts.entries()) {
      // Whoever bound a queue before these were published is seen by the first command.
      const result = await send(part, i === 0 ? request.check : [], signal);
      if (result.stale !== undefined) return result;
      evicted.push(...result.evicted);
      for (const { index, error } of result.failures) failures.push({ index: before + index, error });
      before += part.length;
    }
    return { failures, evicted };
  };

  /** Fails what is for names that the broker itself uses: a list there would keep everybody from every queue. */
  const takenOf = (entries: readonly PutEntry[]): ItemFailure[] => {
    const failures: ItemFailure[] = [];
    let last: string | undefined;
    for (const [index, { queue }] of entries.entries()) {
      if (queue === last) continue;
      if (keys.isTaken(queue)) failures.push({ index, error: takenName(queue) });
      else last = queue;
    }
    return failures;
  };

  const putAll = async (request: PutRequest, o?: { readonly signal?: AbortSignal | undefined }): Promise<PutResult> => {
    const parts = cut(request.entries);
    while (busy !== undefined) await busy;
    let result: Promise<PutResult>;
    if (parts.length === 1) result = send(request.entries, request.check, o?.signal);
    else {
      result = sendAll(parts, request, o?.signal);
      const done = result
        .catch((error: unknown) => KombuError.is(error))
        .then(() => {
          if (busy === done) busy = undefined;
        });
      busy = done;
    }
    const stored = await result;
    if (options.confirmReplicas > 0 && stored.stale === undefined) await confirm(o?.signal);
    return stored;
  };

  return async (request, o) => {
    const taken = takenOf(request.entries);
    if (taken.length === 0) return putAll(request, o);
    const refused = new Set(taken.map(({ index }) => index));
    const places = request.entries.map((_, index) => index).filter((index) => !refused.has(index));
    const entries = places.map((index) => request.entries[index] as PutEntry);
    if (entries.length === 0) return { failures: taken, evicted: [] };
    const result = await putAll({ entries, check: request.check }, o);
    const others = result.failures.map(({ index, error }) => ({ index: places[index] ?? 0, error }));
    return { ...result, failures: [...taken, ...others] };
  };
}
