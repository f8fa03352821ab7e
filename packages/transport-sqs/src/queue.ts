import {
  ChangeMessageVisibilityBatchCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { KombuError } from '@kombu/core';
import { Batcher } from './batcher.js';
import type { SqsLink } from './link.js';
import type { SqsBackoffPolicy } from './options.js';
import { type EntryError, translateEntry, translateReceiptEntry } from './translate-error.js';

/** Most entries of one batch, and most messages of one receive. */
export const BATCH = 10;
/** Bytes of one batch of messages: what every SQS takes, also those that have not been raised to 1 MiB. */
export const BATCH_BYTES = 262_144;
/** How long after it was made a queue may still be said to be missing. */
const NEW_MS = 3000;
/** How many batches of one kind and queue are in the air at most. */
const PARALLEL = 8;

/** A message on its way, and its size. */
export interface Outgoing {
  readonly entry: Omit<SendMessageBatchRequestEntry, 'Id'>;
  readonly bytes: number;
}

/** When a reservation is to end, in seconds from now; 0: at once. */
export interface Visibility {
  readonly handle: string;
  readonly seconds: number;
}

/** What a queue is made of. */
export interface QueueParts {
  readonly name: string;
  /** Its name at SQS. */
  readonly canonical: string;
  readonly fifo: boolean;
  readonly link: SqsLink;
  readonly client: SQSClient;
  readonly backoffPolicy: SqsBackoffPolicy | undefined;
  /** Resolves with the queue's URL; NOT_FOUND where it is not there. */
  readonly url: () => Promise<string>;
  /** Sends a batch, also to a queue that has to be made first. */
  readonly send: (queue: SqsQueue, items: readonly Outgoing[]) => Promise<ReadonlyMap<number, KombuError>>;
}

/** The errors of the entries of a batch whose ids are their indexes. */
export function failuresOf(
  failed: readonly (EntryError & { readonly Id?: string | undefined })[] | undefined,
  translate: (entry: EntryError) => KombuError,
): ReadonlyMap<number, KombuError> {
  return new Map(failed?.map((entry) => [Number(entry.Id), translate(entry)]));
}

/** One queue, as a link uses it: its URL, and what waits to be sent there. */
export class SqsQueue {
  readonly name: string;
  readonly canonical: string;
  readonly fifo: boolean;
  readonly client: SQSClient;
  readonly backoffPolicy: SqsBackoffPolicy | undefined;
  readonly sends: Batcher<Outgoing>;
  readonly removals: Batcher<string>;
  readonly visibilities: Batcher<Visibility>;
  /** Leases that are being extended, by receipt: what ends one of them has to come after. */
  readonly extending = new Map<string, Promise<void>>();
  /** The last receive was full: there is more. */
  hot = false;
  #releases: Batcher<Visibility> | undefined;
  readonly #link: SqsLink;
  readonly #findUrl: () => Promise<string>;
  #url: Promise<string> | undefined;
  #largest: Promise<number> | undefined;
  #madeAt = Number.NEGATIVE_INFINITY;

  constructor(parts: QueueParts) {
    this.name = parts.name;
    this.canonical = parts.canonical;
    this.fifo = parts.fifo;
    this.client = parts.client;
    this.backoffPolicy = parts.backoffPolicy;
    this.#link = parts.link;
    this.#findUrl = parts.url;
    const rules = { most: BATCH, parallel: PARALLEL };
    this.sends = new Batcher({
      ...rules,
      mostBytes: BATCH_BYTES,
      parallel: parts.fifo ? 1 : PARALLEL,
      size: ({ bytes }: Outgoing) => bytes,
      send: (items) => parts.send(this, items),
    });
    this.removals = new Batcher({ ...rules, send: (handles) => this.#remove(handles) });
    this.visibilities = new Batcher({ ...rules, send: (items) => this.#changeVisibility(items, 'call') });
  }

  /** Looked for once. */
  url(): Promise<string> {
    if (this.#url === undefined) {
      const url = this.#findUrl();
      this.#url = url;
      url.catch(() => {
        if (this.#url === url) this.#url = undefined;
      });
    }
    return this.#url;
  }

  /** It is known to be there; or with undefined: not to be. */
  found(url: string | undefined): void {
    this.#url = url === undefined ? undefined : Promise.resolve(url);
    if (url === undefined) this.#largest = undefined;
  }

  /** It was made here just now. */
  made(url: string | undefined): void {
    this.found(url);
    this.#madeAt = performance.now();
  }

  /** Made so recently that not every server of SQS may know of it. */
  get isNew(): boolean {
    return performance.now() - this.#madeAt < NEW_MS;
  }

  async attributes(...names: readonly QueueAttributeName[]): Promise<Readonly<Record<string, string>>> {
    const QueueUrl = await this.url();
    const { Attributes } = await this.#link.call(`asking for attributes of queue '${this.name}'`, (o) =>
      this.client.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...names] }), o),
    );
    return Attributes ?? {};
  }

  /** The queue's own limit in bytes. Asked for once, by the first message that may be above it. */
  largest(): Promise<number> {
    this.#largest ??= this.attributes('MaximumMessageSize').then(
      ({ MaximumMessageSize }) => Number(MaximumMessageSize) || Number.POSITIVE_INFINITY,
      () => Number.POSITIVE_INFINITY,
    );
    return this.#largest;
  }

  /** Whether nothing is on its way there. */
  get isIdle(): boolean {
    return this.sends.isIdle && this.removals.isIdle && this.visibilities.isIdle;
  }

  /** Makes visible at once what came too late, also when the link has ended by now. Never rejects. */
  async release(handles: readonly string[]): Promise<void> {
    this.#releases ??= new Batcher({
      most: BATCH,
      parallel: PARALLEL,
      send: (items: readonly Visibility[]) => this.#changeVisibility(items, 'owed'),
    });
    for (const handle of handles) {
      this.#releases.add({ handle, seconds: 0 }, (error) => {
        if (error === undefined) return;
        this.#link.logger.warn('a message that came while closing stays hidden until its lease ends', error);
      });
    }
    this.#releases.flush();
    await this.#releases.drained();
  }

  /** Resolves when everything that was sent to it until now has been answered. */
  async drained(): Promise<void> {
    await Promise.all([this.sends.drained(), this.removals.drained(), this.visibilities.drained()]);
  }

  async #remove(handles: readonly string[]): Promise<ReadonlyMap<number, KombuError>> {
    const what = `removing messages of queue '${this.name}'`;
    const QueueUrl = await this.url();
    const Entries = handles.map((ReceiptHandle, i) => ({ Id: String(i), ReceiptHandle }));
    const { Failed } = await this.#link.call(what, (o) =>
      this.client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }), o),
    );
    return failuresOf(Failed, (entry) => translateReceiptEntry(entry, what));
  }

  async #changeVisibility(
    items: readonly Visibility[],
    how: 'call' | 'owed',
  ): Promise<ReadonlyMap<number, KombuError>> {
    const what = `changing how long messages of queue '${this.name}' are hidden`;
    const QueueUrl = await this.url();
    const Entries = items.map(({ handle, seconds }, i) => ({
      Id: String(i),
      ReceiptHandle: handle,
      VisibilityTimeout: seconds,
    }));
    const { Failed } = await this.#link[how](what, (o) =>
      this.client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), o),
    );
    return failuresOf(Failed, (entry) => translateReceiptEntry(entry, what));
  }
}

/** The error of one entry that could not be stored. */
export function storeError(queue: string, entry: EntryError): KombuError {
  return translateEntry(entry, `storing a message in queue '${queue}'`);
}
