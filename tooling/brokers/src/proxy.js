import { connect, createServer } from 'node:net';

/** @typedef {'open' | 'frozen' | 'cut'} State */

/** @type {typeof import('./types.d.ts').startProxy} */
export async function startProxy(targetPort, { targetHost = '127.0.0.1' } = {}) {
  /** @type {State} */
  let state = 'open';
  let delayMs = 0;
  let bytes = 0;
  /** @type {Set<Link>} */
  const links = new Set();

  const server = createServer({ allowHalfOpen: true }, (client) => {
    if (state === 'cut') {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const link = new Link(client, connect({ port: targetPort, host: targetHost, allowHalfOpen: true }), {
      delayMs: () => delayMs,
      frozen: () => state === 'frozen',
      count: (size) => {
        bytes += size;
      },
      gone: () => links.delete(link),
    });
    links.add(link);
  });
  await new Promise((/** @type {(_: void) => void} */ resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve());
  });
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

  /** @param {(link: Link) => boolean} [which] */
  const reset = (which = () => true) => {
    for (const link of [...links]) if (which(link)) link.reset();
  };
  /** @type {Promise<void> | undefined} */
  let closing;
  const close = () => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      reset();
    });
    return closing;
  };
  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return links.size;
    },
    get bytes() {
      return bytes;
    },
    through(url) {
      return url.replace(/^([^:]+:\/\/(?:[^@/]*@)?)[^/?]*/, (_, before) => `${before}127.0.0.1:${port}`);
    },
    cut() {
      state = 'cut';
      reset();
    },
    drop() {
      reset();
    },
    freeze() {
      state = 'frozen';
      for (const link of links) link.freeze();
    },
    slow(ms) {
      delayMs = ms;
    },
    resume() {
      state = 'open';
      delayMs = 0;
      reset((link) => link.lossy);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A client's socket and the broker's, each relayed to the other. */
class Link {
  /** Was frozen: it has lost bytes, and cannot be used again. */
  lossy = false;
  #client;
  #broker;
  #gone;

  /**
   * @param {import('node:net').Socket} client
   * @param {import('node:net').Socket} broker
   * @param {{ delayMs(): number, frozen(): boolean, count(size: number): void, gone(): void }} proxy
   */
  constructor(client, broker, proxy) {
    this.#client = client;
    this.#broker = broker;
    this.#gone = proxy.gone;
    if (proxy.frozen()) this.lossy = true;
    this.#relay(client, broker, proxy);
    this.#relay(broker, client, proxy);
  }

  freeze() {
    this.lossy = true;
  }

  reset() {
    for (const socket of [this.#client, this.#broker]) if (!socket.destroyed) socket.resetAndDestroy();
    this.#gone();
  }

  /**
   * @param {import('node:net').Socket} from
   * @param {import('node:net').Socket} to
   * @param {{ delayMs(): number, count(size: number): void }} proxy
   */
  #relay(from, to, proxy) {
    from.setNoDelay(true);
    // One line with one timer, so that a delay that changes never changes the order.
    /** @type {{ at: number, pass: () => void }[]} */
    const line = [];
    const serve = () => {
      while (line[0] !== undefined) {
        const rest = line[0].at - performance.now();
        if (rest > 0) {
          setTimeout(serve, rest).unref();
          return;
        }
        line.shift()?.pass();
      }
    };
    /** @param {() => void} pass */
    const later = (pass) => {
      line.push({ at: performance.now() + proxy.delayMs(), pass });
      if (line.length === 1) serve();
    };
    from.on('data', (chunk) => {
      if (this.lossy) return;
      later(() => {
        if (this.lossy || to.destroyed) return;
        proxy.count(chunk.length);
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
      });
    });
    from.on('end', () => {
      if (!this.lossy) later(() => to.end());
    });
    from.on('error', () => this.#end());
    from.on('close', () => this.#end());
  }

  #end() {
    if (this.#client.destroyed && this.#broker.destroyed) this.#gone();
    else if (this.lossy)
      return; // neither sees the other go
    else if (this.#client.errored || this.#broker.errored) this.reset();
    else if (this.#client.destroyed) this.#broker.destroySoon();
    else this.#client.destroySoon();
  }
}
