import net from 'node:net';

/** A TCP proxy on 127.0.0.1 that can cut its connections, and stall them as a network does that drops every packet. */
export interface TcpProxy {
  readonly port: number;
  /** Sockets that clients have open, those that are stalled too. */
  readonly connections: number;
  /** From now on nothing passes, either way, and nothing is closed; new connections are taken and stalled. */
  stall(): void;
  /** Lets new connections pass again. What was stalled stays so. */
  pass(): void;
  /** Cuts every connection. */
  cut(): void;
  close(): Promise<void>;
}

/** A client's socket and the broker's: what happens to one happens to the other, until the link is stalled. */
interface Link {
  readonly client: net.Socket;
  readonly upstream: net.Socket | undefined;
  state: 'passing' | 'stalled';
}

/** Starts a proxy in front of `host:port`. */
export async function startProxy(host: string, port: number): Promise<TcpProxy> {
  const links = new Set<Link>();
  let state: Link['state'] = 'passing';
  const server = net.createServer((client) => {
    const upstream = state === 'stalled' ? undefined : net.connect(port, host);
    const link: Link = { client, upstream, state };
    links.add(link);
    const closed = (): void => {
      if (client.closed && (upstream === undefined || upstream.closed)) links.delete(link);
    };
    client.on('error', () => {});
    client.on('close', () => {
      if (link.state === 'passing') upstream?.destroy();
      closed();
    });
    if (upstream === undefined) {
      client.resume();
      return;
    }
    upstream.on('error', () => {});
    upstream.on('close', () => {
      if (link.state === 'passing') client.destroy();
      closed();
    });
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const cut = (): void => {
    for (const { client, upstream } of links) {
      client.destroy();
      upstream?.destroy();
    }
    links.clear();
  };
  return {
    port: address.port,
    get connections() {
      return [...links].filter(({ client }) => !client.closed).length;
    },
    stall() {
      state = 'stalled';
      for (const link of links) {
        const { client, upstream } = link;
        if (upstream === undefined || link.state === 'stalled') continue;
        link.state = 'stalled';
        client.unpipe(upstream);
        upstream.unpipe(client);
        // Swallowed, so that it is seen when the client closes; the broker hears of nothing.
        client.resume();
        upstream.pause();
      }
    },
    pass() {
      state = 'passing';
    },
    cut,
    async close() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
