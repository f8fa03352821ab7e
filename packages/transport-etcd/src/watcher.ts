import { OperationalError } from '@kombu/core';
import type { IEvent, IWatchResponse } from 'etcd3';
import type { EtcdLink } from './link.js';
import { bytes, endOf } from './requests.js';

/** What to hear of, and who is told. */
export interface WatchRequest {
  readonly key: string;
  /** `prefix`: of every key that begins with `key`. */
  readonly scope: 'key' | 'prefix';
  readonly of: 'puts' | 'removals';
  /**
   * The server tells from now on: whatever came before has to be read. Called again when the server had to forget changes that it
   * had not told of yet (it was compacted meanwhile).
   */
  started(): void;
  /** Changes, in order; those of one revision together. */
  changed(events: readonly IEvent[]): void;
}

interface Watching {
  readonly request: WatchRequest;
  id: string | undefined;
  state: 'open' | 'closed';
}

/** The part of etcd3's watch stream that is used here. */
export interface WatchStream {
  on(event: 'data', listener: (response: IWatchResponse) => void): unknown;
  write(request: object): unknown;
}

/** All watches of a link, over one stream. Nothing is watched from an earlier revision, so that no compaction can hide a change. */
export class Watcher {
  readonly #link: EtcdLink;
  readonly #open: () => Promise<WatchStream>;
  readonly #byId = new Map<string, Watching>();
  /** Asked for; the server answers in the same order. */
  readonly #asked: Watching[] = [];
  #stream: Promise<WatchStream> | undefined;

  constructor(link: EtcdLink, open: () => Promise<WatchStream> = () => openStream(link)) {
    this.#link = link;
    this.#open = open;
  }

  /** Starts a watch; the returned function ends it. */
  watch(request: WatchRequest): () => void {
    const watching: Watching = { request, id: undefined, state: 'open' };
    this.#create(watching);
    return () => {
      if (watching.state === 'closed') return;
      watching.state = 'closed';
      if (watching.id !== undefined) this.#cancel(watching.id);
    };
  }

  #create(watching: Watching): void {
    this.#stream ??= this.#open().then((stream) => {
      stream.on('data', (response) => this.#answered(response));
      return stream;
    });
    this.#stream.then(
      (stream) => {
        this.#asked.push(watching);
        const { key, scope, of } = watching.request;
        stream.write({
          create_request: {
            key: bytes(key),
            ...(scope === 'prefix' ? { range_end: endOf(key) } : {}),
            filters: [of === 'puts' ? 'Nodelete' : 'Noput'],
            prev_kv: of === 'removals',
          },
        });
      },
      () => {}, // the link is gone
    );
  }

  #cancel(id: string): void {
    this.#byId.delete(id);
    this.#stream?.then((stream) => stream.write({ cancel_request: { watch_id: id } })).catch(() => {});
  }

  #answered(response: IWatchResponse): void {
    const { watch_id: id } = response;
    if (response.created) {
      const watching = this.#asked.shift();
      if (watching === undefined) return;
      if (response.canceled) this.#refused(response);
      else if (watching.state === 'closed') this.#cancel(id);
      else {
        watching.id = id;
        this.#byId.set(id, watching);
        watching.request.started();
      }
      return;
    }
    const watching = this.#byId.get(id);
    if (watching === undefined) return;
    if (response.canceled) {
      this.#byId.delete(id);
      watching.id = undefined;
      if (Number(response.compact_revision) > 0) this.#create(watching);
      else this.#refused(response);
      return;
    }
    if (response.events.length > 0) watching.request.changed(response.events);
  }

  #refused(response: IWatchResponse): void {
    const why = response.cancel_reason || 'no reason given';
    this.#link.fail(new OperationalError('BROKER_BUSY', `etcd refuses to watch: ${why}`));
  }
}

async function openStream(link: EtcdLink): Promise<WatchStream> {
  const stream = await link.stream('watching etcd', (options) => link.client.watchClient.watch(options));
  return stream as unknown as WatchStream;
}
