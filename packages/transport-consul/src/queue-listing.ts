import type { Layout } from './layout.js';
import type { ConsulLink } from './link.js';
import type { Entry } from './transactions.js';

/** The names of a queue's messages, and of the claims on them. */
export interface Listing {
  readonly messages: readonly string[];
  readonly claims: readonly string[];
}

/** Lists names below a queue's root: no values are read. */
export async function listQueue(
  link: ConsulLink,
  layout: Layout,
  queue: string,
  signal?: AbortSignal,
): Promise<Listing> {
  const { kv } = link.client;
  const { data } = await link.call<readonly string[] | undefined>(
    `listing queue '${queue}'`,
    (o) => missingIsNothing(kv.keys({ key: layout.root(queue), ...o } as never)),
    { signal },
  );
  const [messages, claims]: [string[], string[]] = [[], []];
  const [toMessages, toClaims] = [layout.messages(queue), layout.claims(queue)];
  for (const key of data ?? []) {
    if (key.startsWith(toMessages)) messages.push(key.slice(toMessages.length));
    else if (key.startsWith(toClaims)) claims.push(key.slice(toClaims.length));
  }
  return { messages, claims };
}

/** Reads the claims of a queue, by the name of the message; they are small. */
export async function readClaims(
  link: ConsulLink,
  layout: Layout,
  queue: string,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, Entry>> {
  const { kv } = link.client;
  const prefix = layout.claims(queue);
  const { data } = await link.call<readonly Entry[] | undefined>(
    `reading the claims of queue '${queue}'`,
    (o) => kv.get({ key: prefix, recurse: true, ...o } as never),
    { signal },
  );
  return new Map((data ?? []).map((entry) => [entry.Key.slice(prefix.length), entry]));
}

/** The client library takes 404 for an error where keys are listed; here it says that there are none. */
export async function missingIsNothing(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    const { response } = error as { response?: { statusCode?: number } };
    if (response?.statusCode !== 404) throw error;
    return [response, undefined];
  }
}
